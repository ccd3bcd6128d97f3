"""The main job on the whole stack, by the command line alone: a group, a task, a quota that runs out, three days."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ses_ops.storage.connection import connected
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess
from tests.integration.sending_world import check_sum

#: Its day lasts 30 s (conftest.py).
DOMAIN = "letters.example.com"
#: What the mailbox has of it, beside the sample's mail.
MAIL = "/api/messages?to=@readers.example&limit="
RECIPIENTS = 1_200
TASK = f"""\
name: summer-sale
type: immediate
template: newsletter
sender: "Example Shop <news@{DOMAIN}>"
group: readers
unsubscribe_url: "https://shop.example.com/unsubscribe?id={{{{ customer_id }}}}"
"""


def ses(stack: StackProcess, *arguments: str) -> str:
    done = stack.ses(*arguments)
    assert done.returncode == 0, f"ses {' '.join(arguments)}: {done.stderr}{done.stdout}"
    return done.stdout


def task(stack: StackProcess, name: str) -> dict[str, Any]:
    return next(one for one in json.loads(ses(stack, "task", "list", "--json")) if one["name"] == name)


def follow(stack: StackProcess, name: str, seconds: float) -> list[TaskOverview]:
    """Look at what the list shows until the task has finished; every look must add up."""
    end = time.monotonic() + seconds
    looks: list[TaskOverview] = []
    with connected(stack.description["db_dsn"]) as conn:
        while not looks or looks[-1].status != "finished":
            assert time.monotonic() < end, f"not finished within {seconds:.0f} s: {looks[-1]}\n{stack.output}"
            looks += list_tasks(conn, name=name)
            conn.rollback()
            check_sum(looks[-1])
            time.sleep(0.1)
    return looks


def used_a_day(stack: StackProcess) -> list[int]:
    """Messages that left on each of the quota days that had any."""
    with connected(stack.description["db_dsn"]) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT used FROM quota_day WHERE used > 0 AND sender_domain = %s ORDER BY starts_at", (DOMAIN,))
        return [used for (used,) in cursor.fetchall()]


def test_1200_recipients_under_a_quota_of_500_get_one_mail_each_over_three_days(stack, tmp_path):
    file = tmp_path / "readers.csv"
    with file.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["email", "name", "customer_id", "coupon"])
        rows.writerows([f"reader-{n}@readers.example", f"Person {n}", n, f"SPRING{n}"] for n in range(RECIPIENTS))
    ses(stack, "group", "import", "readers", str(file))
    (tmp_path / "summer.yaml").write_text(TASK)
    assert "created" in ses(stack, "task", "apply", str(tmp_path / "summer.yaml"))
    assert "unchanged" in ses(stack, "task", "apply", str(tmp_path / "summer.yaml"))

    looks = follow(stack, "summer-sale", 400)

    last = task(stack, "summer-sale")
    assert last["status"] == "finished"
    assert (last["request_count"], last["sent_count"], last["cached_count"]) == (RECIPIENTS, RECIPIENTS, 0)
    pauses = {look.sent_count for look in looks if look.status == "paused"}
    assert pauses <= {500, 1_000}, "the task pauses when a day's quota is used up, and only then"
    assert used_a_day(stack) == [500, 500, 200]
    messages = stack.mailbox(f"{MAIL}{RECIPIENTS + 100}")["messages"]
    received = Counter(address for message in messages for address in message["to"])
    assert len(received) == RECIPIENTS
    assert set(received.values()) == {1}


def test_every_day_was_a_run_of_its_own_in_airflow(stack):
    token = stack.token()

    def states() -> dict[str, str]:
        status, found = stack.call("GET", "/api/v2/dags/send_task__summer-sale/dagRuns", token=token)
        assert status == 200
        return {run["dag_run_id"]: run["state"] for run in found["dag_runs"]}

    # Airflow ends the last run a moment after its settle has finished the task.
    wait_for(lambda: set(states().values()) <= {"success", "failed"}, "end of the last run", 240, every=0.3)
    runs = states()
    assert len(runs) == 3
    assert sum(run_id.startswith("resume__") for run_id in runs) == 2
    assert set(runs.values()) == {"success"}


def test_triggering_the_finished_task_by_hand_mails_nobody_twice(stack):
    before = stack.mailbox(f"{MAIL}1")["count"]
    token = stack.token()
    path = "/api/v2/dags/send_task__summer-sale/dagRuns"
    status, run = stack.call("POST", path, {"logical_date": None}, token=token)
    assert status == 200
    end = time.monotonic() + 180
    while time.monotonic() < end:
        _, now = stack.call("GET", f"{path}/{run['dag_run_id']}", token=token)
        if now["state"] in ("success", "failed"):
            break
        time.sleep(0.5)
    assert now["state"] == "success"
    assert stack.mailbox(f"{MAIL}1")["count"] == before


def test_the_ledger_tells_what_became_of_one_address(stack):
    (message,) = json.loads(
        ses(stack, "task", "messages", "summer-sale", "--address", "reader-7@readers.example", "--json")
    )
    assert message["status"] == "sent"
    assert message["smtp_code"] == 250


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("template: nothing", "nothing"),
        ("group: nobody", "nobody"),
        ("sender: nobody", "sender"),
        ("type: weekly", "type"),
        ("colour: red", "colour"),
    ],
)
def test_a_wrong_task_is_one_clear_line_and_changes_nothing(stack, tmp_path: Path, line: str, words: str):
    key = line.partition(":")[0]
    kept = [one for one in TASK.replace("summer-sale", "wrong").splitlines() if not one.startswith(f"{key}:")]
    (tmp_path / "wrong.yaml").write_text("\n".join([*kept, line]) + "\n")
    done = stack.ses("task", "apply", str(tmp_path / "wrong.yaml"))
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "wrong" not in [one["name"] for one in json.loads(ses(stack, "task", "list", "--json"))]


def test_doctor_finds_nothing_wrong(stack):
    assert stack.ses("doctor").returncode == 0, stack.ses("doctor").stdout
