"""Airflow's runs repeated by hand while mail leaves, and again when all has left: no second mail, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.under_fire.mailing import ENDED, Mailing

Deed = Callable[[Mailing, str], None]
#: At 25 a second 50 s of mail: the deed waits for Airflow's API beside the other stories.
MESSAGES = 1_250
#: Accepted messages after which the run is disturbed, and those after the disturbance (5 s) that still leave slowly.
MID_SEND, DISTURBED = 40, 125
#: Seconds of one run and its repetition: three of Airflow's retries, or a round of the maintenance DAG, are in it.
STORY = 400.0

pytestmark = pytest.mark.timeout(1_800)


@dataclass(frozen=True)
class Repeated:
    """What is done to a run while it sends, and to the same run when everybody has the mail."""

    name: str
    in_mid_send: Deed
    afterwards: Deed

    def tell(self, make_mailing: Callable[..., Mailing]) -> None:
        """Do it, and check the outcome after each part."""
        mailing = make_mailing(self.name, MESSAGES)
        mailing.wait_for_mail(MID_SEND)
        run = mailing.first_run()
        self.in_mid_send(mailing, run)
        assert len(mailing.accepted()) < MESSAGES, "everything was sent before the run was disturbed"
        mailing.wait_for_mail(min(len(mailing.accepted()) + DISTURBED, MESSAGES), STORY)
        mailing.mail_server.at_once.add(self.name)
        mailing.wait_until_finished(STORY)
        assert mailing.check_finished() == set(), "what SIGTERM ends leaves nothing in doubt"
        self.afterwards(mailing, run)
        mailing.wait_until_finished(STORY)
        assert mailing.check_finished() == set()


def trigger_twice(mailing: Mailing, run: str) -> None:
    assert mailing.trigger() != mailing.trigger()
    assert mailing.runs()[run] == "running", "the first run was over too soon for this test"


def clear_run(mailing: Mailing, run: str) -> None:
    mailing.clear_run(run)


def clear(task: str, *, map_index: int | None = None, downstream: bool = False) -> Deed:
    return lambda mailing, run: mailing.clear_task(run, task, map_index=map_index, downstream=downstream)


def mark_failed_and_clear(mailing: Mailing, run: str) -> None:
    mailing.mark_failed(run)
    mailing.clear_run(run)


def mark_failed_wait_and_clear(mailing: Mailing, run: str) -> None:
    mailing.mark_failed(run)
    mailing.wait_for(lambda _: not mailing.senders(), "end of the sender of a run that was marked failed", STORY)
    mailing.clear_run(run)


def mark_failed_and_delete(mailing: Mailing, run: str) -> None:
    mailing.mark_failed(run)
    # Airflow lets the run's teardown, our settle, come to its end first, and deletes no running run.
    mailing.wait_for_runs(lambda runs: runs[run] in ENDED, "end of the run that was marked failed", STORY)
    mailing.delete_run(run)


def delete_and_wait_for_its_return(mailing: Mailing, run: str) -> None:
    # Deleted in mid-send, it may not have come back yet.
    mailing.wait_for_runs(lambda runs: runs.get(run) in ENDED, "end of the run that is to be deleted", STORY)
    mailing.delete_run(run)
    mailing.wait_for_runs(lambda runs: runs.get(run) in ENDED, "repetition of the deleted run", STORY)


STORIES = [
    Repeated("triggered-twice-more", trigger_twice, clear_run),
    Repeated("run-cleared", clear_run, delete_and_wait_for_its_return),
    Repeated("freeze-cleared", clear("freeze_audience"), clear("settle")),
    Repeated(
        "freeze-and-all-behind-it-cleared",
        clear("freeze_audience", downstream=True),
        clear("freeze_audience", downstream=True),
    ),
    Repeated("reserve-cleared", clear("reserve_quota"), clear("freeze_audience")),
    Repeated("one-chunk-cleared", clear("send_chunk", map_index=0), clear("send_chunk", map_index=0)),
    Repeated("marked-failed-and-cleared-at-once", mark_failed_and_clear, clear("reserve_quota")),
    Repeated("marked-failed-then-cleared", mark_failed_wait_and_clear, clear("send_chunk", downstream=True)),
    Repeated("marked-failed-and-deleted", mark_failed_and_delete, delete_and_wait_for_its_return),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_repeated_run_mails_nobody_twice_and_loses_nobody(side_by_side: dict[Any, Future[None]], story: Repeated):
    side_by_side[story].result(3 * STORY)
