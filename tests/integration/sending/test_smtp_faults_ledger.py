"""A mail server in trouble, down to the ledger: what it accepted is what the ledger says, and what waits says why."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import trustme

from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.refusal_streak import LIMIT_BEFORE_SUCCESS
from tests.integration.sending_world import World
from tests.integration.smtp_servers.script import (
    CLOSE,
    CLOSING,
    DROP,
    GARBAGE,
    HALF_LINE,
    HALF_LINE_CLOSE,
    HANG,
    OVERLONG,
    PERMANENT,
    TAKEN_THEN_DROP,
    TEMPORARY,
    Act,
    Fault,
    Script,
    Step,
)
from tests.integration.smtp_servers.scripted import ScriptedServer

ACTS = (DROP, CLOSE, HANG, GARBAGE, HALF_LINE, HALF_LINE_CLOSE, OVERLONG, TEMPORARY, PERMANENT, CLOSING)
#: After the final dot these leave the message in doubt.
DOUBTFUL = frozenset({DROP, CLOSE, HANG, GARBAGE, HALF_LINE, HALF_LINE_CLOSE, OVERLONG, CLOSING, TAKEN_THEN_DROP})
OPENING: tuple[Step, ...] = ("banner", "ehlo", "starttls", "tls", "auth")
DIALOGUE: tuple[Step, ...] = ("mail", "rcpt", "data", "content", "final", "between")


@pytest.fixture(scope="module")
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def world(ses_dsn, tmp_path, monkeypatch) -> Iterator[World]:
    """Without a mail server; the waits between tries are short."""
    monkeypatch.setattr("ses_ops.sending.chunk.deferred.RETRY_DELAYS", (0.1, 0.1))
    monkeypatch.setattr("ses_ops.sending.release.FIRST_RETRY_AFTER", timedelta(seconds=0.3))
    world = World(dsn=ses_dsn, templates=tmp_path / "templates")
    yield world
    world.close()


def use(world: World, port: int, login: str = "", **options: object) -> None:
    waits = {"timeout": 0.6, "greeting_timeout": 0.6, "data_timeout": 0.6}
    given = {"connections": 4, **waits, "unavailable_after": 10, **options}
    world.smtp_uri = f"smtp://{login}127.0.0.1:{port}/?" + "&".join(f"{name}={value}" for name, value in given.items())


def resume_by_itself(world: World, *, until: Callable[[], bool]) -> None:
    """The runs that settle asks for, each at its time, as Airflow starts them; no person does anything."""
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline, world.overview("hello")
        due = world.overview("hello").next_run_at
        assert due is not None, "nothing is going to happen any more"
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 0.01)
        run = world.run("hello", RunKind.RESUME)
        with contextlib.suppress(TransportUnavailable):
            world.whole_run(run)
        world.settle(run)


def ledger(world: World) -> dict[str, str]:
    return dict(world.rows("SELECT address, state::text FROM message"))


def check_against(world: World, accepted: Counter[str]) -> Counter[str]:
    """Sent means accepted once, in doubt at most once, anything else never. Returns the states, counted."""
    states = ledger(world)
    allowed = {"sent": {1}, "unknown": {0, 1}}
    wrong = {
        address: (state, accepted[address])
        for address, state in states.items()
        if accepted[address] not in allowed.get(state, {0})
    }
    assert not wrong
    assert set(accepted) <= set(states)
    world.check_ledger()
    world.overview("hello")
    return Counter(states.values())


@pytest.mark.parametrize("step", [*OPENING, *DIALOGUE])
def test_a_server_that_misbehaves_now_and_then_and_the_ledger_agree_on_every_message(
    world: World, certificate: ssl.SSLContext, step: Step
) -> None:
    acts = [*ACTS, *([TAKEN_THEN_DROP] if step == "final" else [])]
    # Opening steps: at every second session, from the second on.
    spacing, first = (2, 2) if step in OPENING else (25, 20)
    script = Script(
        faults=tuple(Fault(step, act, at=first + n * spacing) for n, act in enumerate(acts)),
        starttls=certificate if step in ("starttls", "tls", "auth") else None,
        logins={"user": "pw"} if step == "auth" else None,
        max_messages_per_connection=10 if step in OPENING else None,
    )
    world.group("customers", 320)
    world.task("hello", group="customers")
    with ScriptedServer(script) as server:
        use(world, server.port, login="user:pw@" if step == "auth" else "", verify="false")
        world.whole_run(world.run("hello"))
        resume_by_itself(world, until=lambda: not world.overview("hello").unsent_count)
    assert server.misbehaved == len(acts)
    states = check_against(world, server.accepted)
    doubtful = sum(act in DOUBTFUL for act in acts) if step in ("content", "final") else 0
    # One 550 to one message; one that a session met before any message, or that was about the sender, fails nobody.
    failed = 1 if step in ("rcpt", "data", "content", "final") else 0
    expected = {"sent": 320 - doubtful - failed, "unknown": doubtful, "failed": failed}
    assert states == {state: count for state, count in expected.items() if count}
    assert world.overview("hello").status is TaskStatus.FINISHED


class Dead(NamedTuple):
    """A dead server: its port, what is to be entered while it is dead, and the socket of the one that comes back."""

    port: int
    hole: AbstractContextManager[object]
    bound: socket.socket | None = None


def refused_port() -> Dead:
    """Bound, so that nobody else gets the port, but not listening."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return Dead(bound.getsockname()[1], contextlib.nullcontext(), bound)


def black_hole() -> Dead:
    """The kernel takes connections, and nobody ever says a word."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    return Dead(listening.getsockname()[1], listening)


def always(act: Act) -> Callable[[], Dead]:
    def make() -> Dead:
        server = ScriptedServer(Script(faults=(Fault("banner", act, times=None),)))
        return Dead(server.port, server)

    return make


DEAD = {
    "refused": (refused_port, "cannot connect"),
    "black hole": (black_hole, "no greeting within"),
    "421": (always(CLOSING), "421 4.3.2 shutting down"),
    "554": (always(Act("554", b"554 5.3.2 no service here\r\n")), "554 5.3.2 no service here"),
}


@pytest.mark.parametrize("back", ["for a retry of the run", "for the resume"])
@pytest.mark.parametrize("dead", DEAD)
def test_a_dead_server_leaves_the_mail_waiting_with_the_reason_and_it_goes_out_when_it_is_back(
    world: World, dead: str, back: str
) -> None:
    make, words = DEAD[dead]
    port, hole, bound = make()
    world.group("customers", 150)
    world.task("hello", group="customers")
    run = world.run("hello")
    use(world, port, unavailable_after=0.8)
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with hole:
        for _ in range(2):  # as Airflow retries it
            started = time.monotonic()
            with pytest.raises(TransportUnavailable, match=f"127.0.0.1:{port}.*{words}"):
                world.send(chunk_id, run)
            assert time.monotonic() - started < 40
            ((reason,),) = world.rows("SELECT reason FROM chunk")
            assert words in reason
            assert (world.overview("hello").status, world.overview("hello").retrying_count) == ("retrying", 150)
        if back == "for the resume":
            settlement = world.settle(run)
            overview = world.overview("hello")
            assert (settlement.cached, overview.retrying_count, overview.status) == (150, 150, TaskStatus.RETRYING)
            assert words in settlement.reason
            assert words in overview.reason
            assert settlement.resume_at is not None
            assert world.rows("SELECT reserved, used FROM quota_day") == [(0, 0)]
    with ScriptedServer(port=port, listening=bound) as server:
        if back == "for the resume":
            resume_by_itself(world, until=lambda: world.overview("hello").status is TaskStatus.FINISHED)
        else:
            world.send(chunk_id, run)
            world.settle(run)
    assert check_against(world, server.accepted) == {"sent": 150}
    overview = world.overview("hello")
    assert (overview.status, overview.reason) == (TaskStatus.FINISHED, None)


def test_a_server_that_restarts_in_mid_mailing_is_waited_for_within_the_run(world: World) -> None:
    world.group("customers", 600)
    world.task("hello", group="customers")
    run = world.run("hello")
    accepted: Counter[str] = Counter()
    with ScriptedServer(Script(delay=0.005)) as first:
        use(world, first.port, unavailable_after=30)
        world.freeze(run)
        (chunk_id,) = world.reserve(run).chunk_ids
        sender = threading.Thread(target=world.send, args=(chunk_id, run))
        sender.start()
        while len(first.messages) < 100:
            assert sender.is_alive()
            time.sleep(0.002)
    accepted += first.accepted
    with ScriptedServer(port=first.port) as second:
        sender.join(60)
        assert not sender.is_alive()
    accepted += second.accepted
    settlement = world.settle(run)
    states = check_against(world, accepted)
    assert states["unknown"] <= 4, "more than one a connection"
    assert states == {"sent": 600 - states["unknown"], **({"unknown": states["unknown"]} if states["unknown"] else {})}
    assert settlement.unknown == states["unknown"]


def test_a_relay_that_refuses_everybody_fails_nobody_and_keeps_all_with_its_words(world: World) -> None:
    refusal = Act("relay", b"554 5.7.1 Relay access denied\r\n")
    world.group("customers", 700)
    world.task("hello", group="customers")
    run = world.run("hello")
    with ScriptedServer(Script(faults=(Fault("rcpt", refusal, times=None),))) as strict:
        use(world, strict.port, timeout=10)
        world.freeze(run)
        (chunk_id,) = world.reserve(run).chunk_ids
        with pytest.raises(TransportUnavailable, match=r"554 5\.7\.1 Relay access denied"):
            world.send(chunk_id, run)
    settlement = world.settle(run)
    assert "554 5.7.1 Relay access denied" in settlement.reason
    assert "554 5.7.1 Relay access denied" in world.overview("hello").reason
    assert (settlement.failed, settlement.cached) == (0, 700)
    assert sum(line.startswith("RCPT") for line in strict.commands) <= LIMIT_BEFORE_SUCCESS + 8
    with ScriptedServer(port=strict.port) as friendly:
        resume_by_itself(world, until=lambda: not world.overview("hello").unsent_count)
    assert check_against(world, friendly.accepted) == {"sent": 700}


def test_a_list_that_is_too_big_for_the_server_fails_a_few_that_were_not_tried_and_keeps_the_rest(world: World) -> None:
    world.group("customers", 300)
    world.task("hello", group="customers")
    run = world.run("hello")
    with ScriptedServer(Script(size=200)) as small:
        use(world, small.port, timeout=10)
        with pytest.raises(TransportUnavailable, match=r"5\.3\.4 the message has \d+ bytes"):
            world.whole_run(run)
    settlement = world.settle(run)
    assert (settlement.failed, settlement.cached) == (LIMIT_BEFORE_SUCCESS, 300 - LIMIT_BEFORE_SUCCESS)
    assert world.rows("SELECT DISTINCT tries, smtp_code FROM message WHERE state = 'failed'") == [(0, 552)]
    world.check_ledger()
