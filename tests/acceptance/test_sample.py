"""What the first `make run` shows a newcomer: the sample is sent, without anybody's help."""

from __future__ import annotations

from collections.abc import Callable

from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess


def test_the_sample_sends_until_the_days_quota_is_used_up(make_stack: Callable[..., StackProcess]) -> None:
    stack = make_stack()
    stack.start_and_wait()
    wait_for(lambda: stack.mailbox("/api/messages?limit=1")["count"] >= 500, "a day's quota in the mailbox", 120)
    (message,) = stack.mailbox("/api/messages?limit=1")["messages"]
    assert message["to"][0].endswith("@shoppers.example")
    _, found = stack.call("GET", "/api/v2/dags?dag_id_pattern=send_task__", token=stack.token())
    names = {dag["dag_id"] for dag in found["dags"]}
    assert names == {f"send_task__{name}" for name in ("spring-sale", "spring-reminder", "order-notices")}
    (log,) = stack.home.glob("logs/first-dags.log")
    assert "Traceback" not in log.read_text()
