"""Pause and cancel on the running stack: the mail stops within seconds, and a resume sends the rest once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ses_ops.domain.task_status import TaskStatus
from tests.acceptance.under_fire.mailing import Mailing
from tests.recording_smtp import RecordingServer

#: At 25 a second 50 s of mail: a command on a busy machine takes 8.
MESSAGES = 1_250
MID_SEND = 40
#: Seconds from the command's return to the last accepted message: two, and that a sender of a busy machine may stand
#: still meanwhile. The mail that is left would take 40.
STOPS_WITHIN = 10.0
#: Seconds that the mail server is watched after that.
WATCHED = 3.0
#: Seconds until the reply to a message, when nothing is left to be stopped.
QUICK = 0.01

Act = Callable[[Mailing], None]

pytestmark = pytest.mark.timeout(1_800)


def command(verb: str) -> Act:
    def run(mailing: Mailing) -> None:
        done = mailing.stack.ses("task", verb, mailing.name)
        assert done.returncode == 0, done.stderr

    return run


def switch(*, paused: bool) -> Act:
    return lambda mailing: mailing.switch(paused=paused)


STOPS = {
    "stopped-by-pause": command("pause"),
    "stopped-by-switch": switch(paused=True),
    "stopped-by-cancel": command("cancel"),
}
GOES_ON = {"stopped-by-pause": command("resume"), "stopped-by-switch": switch(paused=False)}


@pytest.fixture(scope="module")
def stopped(make_mailing: Callable[..., Mailing]) -> dict[str, tuple[Mailing, float]]:
    """A task stopped in each way, side by side, and the seconds from the way's return to the last accepted message."""
    mailings = [make_mailing(name, MESSAGES) for name in STOPS]
    with ThreadPoolExecutor(len(STOPS)) as pool:
        late = pool.map(stop, mailings)
        return {mailing.name: (mailing, seconds) for mailing, seconds in zip(mailings, late, strict=True)}


def stop(mailing: Mailing) -> float:
    mailing.wait_for_mail(MID_SEND)
    STOPS[mailing.name](mailing)
    returned = time.monotonic()
    assert len(mailing.accepted()) < MESSAGES, "everything was sent before it was stopped"
    mailing.wait_for(lambda _: time.monotonic() > returned + STOPS_WITHIN + WATCHED, "passing of time")
    mailing.wait_for(lambda _: not mailing.senders(), "end of the sender")
    return mailing.accepted_times()[-1] - returned


@pytest.mark.parametrize("name", STOPS)
def test_the_mail_stops_within_seconds(stopped: dict[str, tuple[Mailing, float]], name: str):
    mailing, late = stopped[name]
    print(f"{name}: last message accepted {late:+.2f} s after the stop returned, {len(mailing.accepted())} in all")
    assert late <= STOPS_WITHIN
    assert mailing.check_exact() == set(), "a stop leaves nothing in doubt"
    status = TaskStatus.PAUSED if name in GOES_ON else TaskStatus.CANCELLED
    assert mailing.look().status is status


def test_what_was_paused_goes_on_and_each_of_the_rest_gets_one_mail(stopped, mail_server: RecordingServer):
    mailings = [stopped[name][0] for name in GOES_ON]
    usual, mail_server.delay = mail_server.delay, QUICK
    try:
        with ThreadPoolExecutor(len(mailings)) as pool:
            list(pool.map(lambda mailing: GOES_ON[mailing.name](mailing), mailings))
        for mailing in mailings:
            mailing.wait_until_finished()
            assert mailing.check_finished() == set()
    finally:
        mail_server.delay = usual


def test_what_was_cancelled_stays_unsent(stopped):
    """Looked at last: whatever might still have started it had its time."""
    mailing, _ = stopped["stopped-by-cancel"]
    overview = mailing.look()
    assert overview.status is TaskStatus.CANCELLED
    assert overview.sent_count == len(mailing.accepted()) < MESSAGES
    mailing.world.check_ledger()
