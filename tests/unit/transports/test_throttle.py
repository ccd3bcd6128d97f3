"""How much slower a server is sent to that puts most of the mail off, and how that ends."""

from __future__ import annotations

from ses_ops.transports.flow.pace import Pace
from ses_ops.transports.flow.throttle import MIN_RATE, RECOVERY, SURPLUS_LIMIT, Throttle


class Relay:
    """Takes so many messages a second, and is offered as many as the pace allows, or 5000."""

    def __init__(self, takes: float, asked_for: float | None = None) -> None:
        self.pace = Pace(asked_for)
        self.throttle = Throttle(self.pace, asked_for)
        self.takes = takes
        self.now = self.credit = 0.0
        self.deferred = self.accepted = 0

    def offer(self, count: int) -> None:
        for _ in range(count):
            step = 0.0002 if self.pace.unlimited else max(0.0002, self.pace.delay(self.now))
            self.now += step
            self.pace.take(self.now)
            self.credit = min(self.takes, self.credit + step * self.takes)
            if self.credit >= 1:
                self.credit -= 1
                self.accepted += 1
                self.throttle.accepted()
            else:
                self.deferred += 1
                self.throttle.deferred(self.now)


def test_a_relay_that_bears_14_a_second_soon_gets_little_more_than_that() -> None:
    relay = Relay(takes=14)
    relay.offer(1500)
    assert relay.throttle.limit is not None
    before, began = relay.accepted, relay.now
    relay.offer(3000)
    seconds = relay.now - began
    assert (relay.accepted - before) / seconds > 12
    assert 3000 / seconds < 28


def test_a_relay_that_has_recovered_is_sent_to_at_full_speed_again() -> None:
    throttle = Throttle(pace := Pace(None), None)
    for n in range(SURPLUS_LIMIT):
        throttle.deferred(n * 0.1)
    assert throttle.limit is not None
    assert not pace.unlimited
    for _ in range(int(10 / RECOVERY)):
        well = throttle.accepted()
    assert well
    assert pace.unlimited


def test_neither_pauses_nor_a_higher_rate_asked_for_lift_it_and_it_ends_at_the_slowest() -> None:
    throttle = Throttle(pace := Pace(100.0), 100.0)
    for n in range(SURPLUS_LIMIT * 20):
        throttle.deferred(n * 0.001)
    assert throttle.limit == MIN_RATE
    throttle.ask_for(500.0)
    pace.take(1000.0)
    assert pace.delay(1000.0) > 0.9


def test_a_fifth_put_off_slows_nobody_down() -> None:
    throttle = Throttle(pace := Pace(None), None)
    for n in range(10_000):
        if n % 5:
            throttle.accepted()
        else:
            throttle.deferred(n * 0.001)
    assert pace.unlimited
