"""Everything that can go wrong while single messages are sent, at random moments: none is lost, none leaves twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from ses_ops.sending.single import duties, recorder, refused
from tests.integration.single.world import until

COUNT = 400


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_trouble_loses_nothing_and_doubles_nothing(world, mail_server, monkeypatch, seed):
    for module, name, value in (
        (duties, "CLOSED_AFTER", 0.15),
        (duties, "DUE_EVERY", 0.1),
        (recorder, "MOST_MARKED", 24),
        (recorder, "CROWDED_FOR", 0.1),
        (recorder, "MOST_KEPT", 8),
        (refused, "TRIED_AGAIN_AFTER", 0.1),
    ):
        monkeypatch.setattr(module, name, value)
    chance = random.Random(seed)
    mood = {"refuse": 0.0}

    def refuse(recipient):
        if chance.random() < mood["refuse"]:
            return b"550 5.7.1 account suspended\r\n" if mood["refuse"] == 1.0 else b"451 4.7.1 greylisted\r\n"
        return None

    mail_server.refuse = refuse

    async def trouble(stop: asyncio.Event) -> None:
        away = False
        while not stop.is_set():
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            what = chance.choice(("relay", "sessions", "mood", "hang up", "due"))
            if what == "relay":
                (mail_server.start if away else mail_server.stop)()
                away = not away
            elif what == "sessions":
                world.rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND application_name = 'ses-ops single messages' AND random() < 0.7"
                )
            elif what == "mood":
                mood["refuse"] = chance.choice((0.0, 0.0, 0.3, 1.0))
            elif what == "hang up" and not away:
                mail_server.hang_up_all()
            world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
        mood["refuse"] = 0.0
        if away:
            mail_server.start()

    async def scene():
        senders = [world.sender(options="unavailable_after=0.3"), world.sender(options="unavailable_after=0.3")]
        acceptances = [world.acceptance(sender.begin()) for sender in senders]
        for sender in senders:
            sender.start()
        stop = asyncio.Event()
        troubled = asyncio.create_task(trouble(stop))
        try:
            for number in range(COUNT):
                which = number % 2
                senders[which].add(acceptances[which].accept(f"a-{number}@customers.example"))
                await asyncio.sleep(0.01)
            stop.set()
            await troubled

            def over() -> bool:
                world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
                return set(world.states()) <= {"sent", "unknown", "failed"}

            await until(over, seconds=60)
        finally:
            for sender, acceptance in zip(senders, acceptances, strict=True):
                await sender.stop()
                acceptance.close()

    asyncio.run(scene())
    states = world.states()
    assert set(mail_server.accepted.values()) == {1}, "somebody got it twice"
    sent = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'sent'")}
    unknown = {address for (address,) in world.rows("SELECT address FROM message WHERE state = 'unknown'")}
    assert sent <= set(mail_server.accepted) <= sent | unknown
    # A server that refuses a few and takes others in between means those.
    assert states["sent"] > COUNT / 2, states
    world.check_places()
