"""A plan that has not begun, and a plan that is edited: nothing is sent past the quota or waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.task_status import TaskStatus
from ses_ops.domain.warmup import QuotaPlans, parse_plan
from ses_ops.errors import WarmupNotBegun
from ses_ops.storage.quota import sender_domains
from tests.integration.sending_world import DOMAIN, MORNING, quota

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)


def test_mail_waits_for_the_first_day_of_the_warm_up_and_then_goes_by_itself(world, mail_server):
    world.quota_variable = {DOMAIN: {"plan": [100], "started_on": TOMORROW.isoformat()}}
    world.group("customers", 10)
    world.task("hello", group="customers")
    settlement = world.whole_run(world.run("hello"))
    assert (settlement.cached, settlement.error, settlement.resume_at) == (10, None, TOMORROW)
    overview = world.overview("hello")
    assert overview.status is TaskStatus.PAUSED
    assert overview.reason == f"the warm-up of {DOMAIN} begins at {TOMORROW.isoformat()} UTC"
    # A person's trigger does not make it begin, and plans no other run.
    again = world.whole_run(world.run("hello", RunKind.TRIGGERED))
    assert (again.sent, again.resume_run_id) == (0, settlement.resume_run_id)
    # The day comes.
    world.quota_variable = quota(100)
    world.execute("UPDATE chunk SET due_at = now()")
    assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 10
    assert world.overview("hello").status is TaskStatus.FINISHED
    world.check_ledger()


def test_a_test_send_before_the_warm_up_is_refused(world):
    order = TestSend(template="hello", sender=f"news@{DOMAIN}", recipients=["a@example.com"], values={"name": "You"})
    entry = {DOMAIN: {"plan": [100], "started_on": TOMORROW.isoformat()}}
    more = {"smtp": None, "templates_root": world.templates, "stop": None}
    with pytest.raises(WarmupNotBegun):
        test_send(world.dsn, order, run_id="one", plans=QuotaPlans.parse(entry), **more)


def edited(**changes: str) -> dict[str, dict[str, object]]:
    (entry,) = quota(10).values()
    return {DOMAIN: {**entry, **changes}}


#: Two hours from the other, so that now is the same date in both. They reach from -14 to +12.
BEHIND = int(MORNING.removeprefix("Etc/GMT"))
ANOTHER_ZONE = f"Etc/GMT{BEHIND + (2 if BEHIND < 10 else -2):+d}"


@pytest.mark.parametrize("changes", [{"time_zone": ANOTHER_ZONE}, {"day_length": "PT23H", "started_on": "2026-01-02"}])
def test_an_edited_plan_does_not_grant_a_day_twice(world, mail_server, changes):
    world.quota_variable = quota(10)
    world.group("customers", 30)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).sent == 10
    world.quota_variable = edited(**changes)
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 10
    assert len(world.rows("SELECT FROM quota_day")) == 2
    today = sender_domains.today(world.conn, parse_plan(DOMAIN, world.quota_variable[DOMAIN]))
    assert (today.used, today.left) == (10, 0)
    # What is reserved counts as well as what is used.
    world.execute("UPDATE quota_day SET used = 0, reserved = 4 WHERE used = 10")
    world.execute("UPDATE chunk SET due_at = now() WHERE state = 'cached'")
    assert world.reserve(world.run("hello", RunKind.RESUME)).reserved == 6
    assert sender_domains.today(world.conn, today.plan).left == 0
