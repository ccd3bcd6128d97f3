"""One rate limit for all senders: two processes keep it together, and who is left has the whole of it."""

from __future__ import annotations

import time
from bisect import bisect_left

from tests.integration.sending.test_crashes import sender_process

#: Messages a second, in the settings of the mail server.
RATE = 200
#: What a second may exceed the limit by: catching up after late timers (20 ms a sender), and what the connections hold
#: when something stalls. Two senders that do not know of each other exceed it by half at least.
SLACK = 0.15
#: The part of the limit that must be used. One of two would use half; a busy machine may lose a little.
USED = 0.62
#: Seconds within which the others know that a sender has died: its silence of 15, a look of 1, and a busy machine.
NOTICES_DEATH = 30.0


def moments(mail_server, half: str | None = None, *, half_at: int = 0) -> list[float]:
    """When messages were accepted, in order; of one half of the audience only."""
    # A copy first: the server's thread adds to it, and making the pairs may let that run.
    taken = list(mail_server.accepted_at.copy().items())
    return sorted(
        moment
        for address, moment in taken
        if half is None or (int(address.partition("@")[0].rpartition("-")[2]) > half_at) == (half == "second")
    )


def busiest_second(times: list[float], begin: float, end: float) -> int:
    """The most messages that any second between two moments has."""
    inside = times[bisect_left(times, begin) : bisect_left(times, end)]
    return max((bisect_left(inside, moment + 1.0) - at for at, moment in enumerate(inside)), default=0)


def wait_until(condition, seconds: float) -> float:
    """Wait for a condition; returns the seconds that it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() < begin + seconds, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - begin


def test_two_senders_keep_the_limit_together_and_one_that_is_left_has_all_of_it(world, mail_server):
    world.smtp_uri += f"?max_messages_per_second={RATE}&connections=4"
    half_at = RATE * 40
    world.group("customers", 2 * half_at)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    first, second = world.reserve(run, chunk_size=half_at).chunk_ids
    processes = [sender_process(world, first, run.run_id)]
    try:
        wait_until(lambda: mail_server.total > RATE, 60)
        processes.append(sender_process(world, second, run.run_id))
        wait_until(lambda: moments(mail_server, "second", half_at=half_at), 60)
        joined = time.monotonic()
        wait_until(lambda: time.monotonic() > joined + 7, 60)
        processes[1].kill()
        processes[1].wait()
        killed = time.monotonic()
        times = moments(mail_server)
        assert busiest_second(times, times[0], killed) <= RATE * (1 + SLACK), "two at once, or one that has just begun"
        # In the best of seconds: a busy machine may do nothing for a while.
        shared = joined + 1.5
        assert busiest_second(times, shared, killed) >= RATE * USED, "together they use what there is"
        for half in ("first", "second"):
            mine = moments(mail_server, half, half_at=half_at)
            assert busiest_second(mine, shared, killed) >= RATE * 0.35, "each has about half of it"

        def has_the_whole_rate() -> bool:
            now = time.monotonic()
            taken = moments(mail_server)
            return now > killed + 1.5 and len(taken) - bisect_left(taken, now - 1) >= RATE * USED

        wait_until(has_the_whole_rate, NOTICES_DEATH)
        back = time.monotonic()
        wait_until(lambda: time.monotonic() > back + 1.5, 60)
        times = moments(mail_server)
        assert busiest_second(times, killed, times[-1]) <= RATE * (1 + SLACK)
    finally:
        for process in processes:
            process.kill()
            process.wait()
