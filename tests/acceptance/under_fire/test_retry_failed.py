"""`ses task retry-failed` on the running stack: the refused get their mail when tried again, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.under_fire.mailing import Mailing

MESSAGES = 200
#: One in so many is refused.
EVERY = 8
#: Seconds for each half of it.
STORY = 400.0

pytestmark = pytest.mark.timeout(1_800)


def refused(address: str) -> bytes | None:
    name, _, number = address.partition("@")[0].rpartition("-")
    return b"550 5.2.1 mailbox disabled" if name == Refused.name and int(number) % EVERY == 0 else None


@dataclass(frozen=True)
class Refused:
    """A mailing of which some are refused, tried again when the server has thought better of it."""

    name = "partly-refused"

    def tell(self, make_mailing: Callable[..., Mailing]) -> None:
        mailing = make_mailing(self.name, MESSAGES, refuse=refused)
        whom = {address for address in mailing.recipients if refused(address)}
        mailing.wait_until_finished(STORY)
        assert mailing.addresses("failed") == whom
        assert mailing.check_exact() == set()
        before, runs = mailing.accepted(), mailing.runs()
        assert set(before) == set(mailing.recipients) - whom

        mailing.mail_server.refuse = None
        done = mailing.stack.ses("task", "retry-failed", self.name)
        assert done.returncode == 0, done.stderr
        mailing.wait_for(lambda one: one.failed_count == 0, "look at the failed ones again", STORY)
        mailing.wait_until_finished(STORY)

        assert mailing.accepted() - before == dict.fromkeys(whom, 1), "the failed ones, and only they"
        assert mailing.check_finished() == set()
        more = {run: state for run, state in mailing.runs().items() if run not in runs}
        assert list(more.values()) == ["success"], f"one run of its own: {more}"


@pytest.mark.parametrize("story", [Refused()], ids=["refused"])
def test_retry_failed_sends_to_the_failed_ones_only(side_by_side: dict[Any, Future[None]], story: Refused):
    side_by_side[story].result(3 * STORY)
