"""The reputation on the whole stack: a good list rises several levels in a day, and a bad one is blocked.

The mailbox refuses what the bad list has of addresses that do not exist; what came back of the sample's mail makes both
domains measured.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ses_ops.storage.connection import connected
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess
from tests.integration.sending_world import check_sum

GOOD, BAD = "members.example.com", "bought.example.com"
#: Three levels up (at 350, 700 and 1,400 tried), and much more than may leave before a bad list is noticed.
MEMBERS, BOUGHT = 1_500, 1_100
TASK = """\
name: {name}
type: immediate
template: newsletter
sender: "Example Shop <news@{domain}>"
group: {name}
unsubscribe_url: "https://shop.example.com/unsubscribe?id={{{{ customer_id }}}}"
"""


def ses(stack: StackProcess, *arguments: str) -> str:
    done = stack.ses(*arguments)
    assert done.returncode == 0, f"ses {' '.join(arguments)}: {done.stderr}{done.stdout}"
    return done.stdout


def mailing(stack: StackProcess, folder: Path, name: str, domain: str, addresses: list[str]) -> None:
    ses(stack, "domain", "set", domain, "--bounce-domain", f"bounces.{domain}")
    file = folder / f"{name}.csv"
    with file.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["email", "name", "customer_id", "coupon"])
        rows.writerows([address, f"Person {n}", n, f"C{n}"] for n, address in enumerate(addresses))
    ses(stack, "group", "import", name, str(file))
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, domain=domain))
    ses(stack, "task", "apply", str(folder / f"{name}.yaml"))


def overview(stack: StackProcess, name: str) -> TaskOverview:
    with connected(stack.description["db_dsn"]) as conn:
        (found,) = list_tasks(conn, name=name)
    check_sum(found)
    return found


def rows(stack: StackProcess, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connected(stack.description["db_dsn"]) as conn, conn.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def decided(stack: StackProcess, domain: str) -> list[str]:
    sql = "SELECT kind FROM reputation_decision WHERE sender_domain = %s ORDER BY id"
    return [kind for (kind,) in rows(stack, sql, domain)]


def received(stack: StackProcess, host: str) -> Counter[str]:
    messages = stack.mailbox(f"/api/messages?to=@{host}&limit=5000")["messages"]
    return Counter(address for message in messages for address in message["to"])


@pytest.fixture(scope="module")
def both(stack: StackProcess, tmp_path_factory: pytest.TempPathFactory) -> StackProcess:
    """Both lists are mailed at once; the sample's bounce has come back before, so that a feed is heard."""
    wait_for(lambda: rows(stack, "SELECT FROM event_feed WHERE source = 'bounce_mail'"), "a bounce of the sample", 120)
    folder = tmp_path_factory.mktemp("lists")
    strangers = [f"{'stranger' if n % 7 else 'unknown'}-{n}@strangers.example" for n in range(BOUGHT)]
    mailing(stack, folder, "bought-letter", BAD, strangers)
    mailing(stack, folder, "member-letter", GOOD, [f"member-{n}@members.example" for n in range(MEMBERS)])
    return stack


def test_a_good_list_rises_several_levels_within_a_day_and_its_cached_mail_goes_on_by_itself(both):
    wait_for(lambda: overview(both, "member-letter").status == "finished", "the end of the good list", 240)
    wait_for(lambda: decided(both, GOOD) == ["start", "raise", "raise", "raise"], "three raises of the level", 240)
    assert overview(both, "member-letter").sent_count == MEMBERS
    assert len(received(both, "members.example")) == MEMBERS
    assert set(received(both, "members.example").values()) == {1}
    assert rows(both, "SELECT count(*) FROM quota_day WHERE sender_domain = %s", GOOD) == [(1,)]


def test_a_bad_list_is_lowered_and_blocked_and_the_rest_of_it_waits_with_the_reason(both):
    wait_for(lambda: overview(both, "bought-letter").status == "paused", "the block of the bad list", 240)
    wait_for(lambda: "lower" in decided(both, BAD), "the lowering", 240)
    assert sorted(decided(both, BAD)) == ["block", "lower", "start"]
    held = overview(both, "bought-letter")
    assert held.reason.startswith(f"{BAD} is blocked until ")
    tried = held.sent_count + held.failed_count
    assert 300 < tried < BOUGHT, "it was noticed before the day's quota had left"
    assert held.cached_count == BOUGHT - tried
    assert len(received(both, "strangers.example")) == held.sent_count
    assert set(received(both, "strangers.example").values()) == {1}
    (quota,) = json.loads(ses(both, "quota", "show", BAD, "--json"))
    assert (quota["limited_by"], quota["left"], quota["mode"]) == ("block", 0, "reputation")
    assert rows(both, "SELECT level, next_level FROM reputation WHERE sender_domain = %s", BAD) == [(4, 3)]
    (day,) = rows(both, "SELECT used, reserved FROM quota_day WHERE sender_domain = %s", BAD)
    assert day == (held.sent_count, 0), "what was reserved and not sent went back"
