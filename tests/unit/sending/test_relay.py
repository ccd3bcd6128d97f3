"""When a mail server counts as silent."""

from __future__ import annotations

import pytest

from ses_ops.sending.single import relay
from ses_ops.sending.single.relay import SILENT_FOR, Relay


class Clock:
    """The clock of a process, which looks at its server every second while it runs."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(relay, "time", clock)
    return clock


def looked_at(server: Relay, clock: Clock, seconds: int, *, waited_for: bool) -> None:
    for _ in range(seconds):
        clock.now += 1
        server.look(waited_for=waited_for)


def test_a_server_that_answers_nothing_for_a_while_is_silent(clock: Clock) -> None:
    server = Relay(running=True)
    looked_at(server, clock, 60, waited_for=False)
    looked_at(server, clock, int(SILENT_FOR) - 1, waited_for=True)
    assert server.why_not is None
    looked_at(server, clock, 2, waited_for=True)
    assert server.why_not is not None
    assert server.why_not.code == "mail_server_silent"
    server.answered()
    assert server.why_not is None


def test_the_time_in_which_this_process_stood_still_is_no_silence(clock: Clock) -> None:
    server = Relay(running=True)
    looked_at(server, clock, 3, waited_for=True)
    clock.now += 600
    assert server.why_not is None
    looked_at(server, clock, 1, waited_for=True)
    assert server.why_not is None
    looked_at(server, clock, int(SILENT_FOR), waited_for=True)
    assert server.why_not is not None
