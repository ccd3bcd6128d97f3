"""What the first `make run` shows a newcomer: the sample is sent, without anybody's help."""

from __future__ import annotations

from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess

#: Tasks of the other tests of this folder.
OTHERS = {"summer-sale", "stopped"}
MAIL = "/api/messages?to=@shoppers.example&limit=1"


def test_the_sample_sends_until_the_days_quota_is_used_up(stack: StackProcess) -> None:
    wait_for(lambda: stack.mailbox(MAIL)["count"] >= 500, "a day's quota in the mailbox", 120)
    (message,) = stack.mailbox(MAIL)["messages"]
    assert message["to"][0].endswith("@shoppers.example")
    _, found = stack.call("GET", "/api/v2/dags?dag_id_pattern=send_task__", token=stack.token())
    names = {dag["dag_id"].removeprefix("send_task__") for dag in found["dags"]}
    assert names - OTHERS == {"spring-sale", "spring-reminder", "order-notices"}
    (log,) = stack.home.glob("logs/first-dags.log")
    assert "Traceback" not in log.read_text()
