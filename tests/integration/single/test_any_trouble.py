"""Everything that can go wrong while single messages are sent, at random moments: none is lost, none leaves twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from ses_ops.sending.single import duties, recorder, refused, relay
from ses_ops.transports.flow import refusal_streak
from tests.integration.single.world import until

COUNT = 400
#: Number of refusals in a row that are of the sender and not of the messages.
STREAK = 12


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_trouble_loses_nothing_and_doubles_nothing(world, mail_server, monkeypatch, seed):
    for module, name, value in (
        (duties, "CLOSED_AFTER", 0.15),
        (duties, "DUE_EVERY", 0.1),
        (recorder, "MOST_MARKED", 24),
        (recorder, "CROWDED_FOR", 0.1),
        (recorder, "MOST_KEPT", 8),
        (refused, "TRIED_AGAIN_AFTER", 0.1),
        (relay, "LONGEST_PAUSE", 1.0),
        (refusal_streak, "LIMIT_BEFORE_SUCCESS", STREAK),
        (refusal_streak, "LIMIT_AFTER_SUCCESS", STREAK),
    ):
        monkeypatch.setattr(module, name, value)
    # Two: when trouble comes, and of which kind, does not depend on how many messages were refused before.
    chance, greylisting = random.Random(seed), random.Random(seed)
    mood = {"refuse": 0.0}
    condemned = set()

    def refuse(recipient):
        if mood["refuse"] == 1.0:
            condemned.add(recipient)
            return b"550 5.7.1 account suspended\r\n"
        return b"451 4.7.1 greylisted\r\n" if greylisting.random() < mood["refuse"] else None

    mail_server.refuse = refuse
    away = False

    def trouble() -> None:
        nonlocal away
        what = chance.choice(("relay", "sessions", "mood", "mood", "hang up", "due"))
        if what == "relay":
            (mail_server.start if away else mail_server.stop)()
            away = not away
        elif what == "sessions":
            world.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'ses-ops single messages' AND random() < 0.7"
            )
        elif what == "mood":
            mood["refuse"] = chance.choice((0.0, 0.3, 1.0))
        elif what == "hang up" and not away:
            mail_server.hang_up_all()
        world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")

    async def scene():
        senders = [world.sender(options="unavailable_after=0.3"), world.sender(options="unavailable_after=0.3")]
        acceptances = [world.acceptance(sender.begin()) for sender in senders]
        for sender in senders:
            sender.start()
        troubled_at = 10
        try:
            for number in range(COUNT):
                which = number % 2
                senders[which].add(acceptances[which].accept(f"a-{number}@customers.example"))
                await asyncio.sleep(0.01)
                # By the number of messages: a slow machine has no more trouble for each of them.
                if number == troubled_at:
                    trouble()
                    troubled_at += chance.randint(2, 20)
            mood["refuse"] = 0.0
            if away:
                mail_server.start()

            def over() -> bool:
                world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
                return set(world.states()) <= {"sent", "unknown", "failed"}

            await until(over, seconds=120)
        finally:
            for sender, acceptance in zip(senders, acceptances, strict=True):
                await sender.stop()
                acceptance.close()

    asyncio.run(scene())
    states = world.states()
    assert set(mail_server.accepted.values()) == {1}, "somebody got it twice"
    by_state = {
        state: {address for (address,) in world.rows("SELECT address FROM message WHERE state = %s", state)}
        for state in ("sent", "unknown", "failed")
    }
    assert by_state["sent"] <= set(mail_server.accepted) <= by_state["sent"] | by_state["unknown"]
    # A server that refuses a few and takes others in between means those; a server that refuses more means nobody.
    assert by_state["failed"] <= condemned
    assert states["sent"] > COUNT / 2, states
    world.check_places()
