"""A program written for Tencent Cloud SES, against `make run`: its batches are send tasks that Airflow runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess
from tests.integration.api.reference_client import ReferenceClient
from tests.integration.api.reference_world import base64_of

SENDER = "Shop <news@codes.example.com>"
PAGE = {"Offset": 0, "Limit": 100}


def test_a_batch_of_a_client_of_the_reference_is_sent_by_a_dag_that_appears_by_itself(stack: StackProcess) -> None:
    made = stack.ses("key", "create", "reference", "--scope", "manage", "--domain", "codes.example.com", "--json")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)
    client = ReferenceClient(stack.url("", port="SES_API_PORT"), id=key["id"], secret=key["secret"])
    receiver = client.call("CreateReceiver", ReceiversName="双十一 2026").ReceiverId
    data = [
        {"Email": f"r{number}@reference.example", "TemplateData": json.dumps({"name": f"N{number}"})}
        for number in range(40)
    ]
    assert client.call("CreateReceiverDetailWithData", ReceiverId=receiver, Datas=data).ValidCount == 40
    content = {"Html": base64_of("<p>{{name}}: {{code}}</p>"), "Text": base64_of("{{name}}: {{code}}")}
    template = client.call("CreateEmailTemplate", TemplateName="Angebot", TemplateContent=content).TemplateID
    batch = {"FromEmailAddress": SENDER, "ReceiverId": receiver, "Subject": "Hi {{name}}"}
    given = {"Template": {"TemplateID": template, "TemplateData": '{"code":"7%"}'}}
    at_once = client.call("BatchSendEmail", **batch, **given, TaskType=1).TaskId
    asked_at = datetime.now(UTC) + timedelta(hours=8)
    begin = asked_at + timedelta(seconds=45)
    timed = {"TaskType": 2, "TimedParam": {"BeginTime": f"{begin:%Y-%m-%d %H:%M:%S}"}}
    later = client.call("BatchSendEmail", **batch, **given, **timed).TaskId
    cycle = {"TaskType": 3, "CycleParam": {"BeginTime": "2099-01-01 00:00:00", "IntervalTime": 24}}
    recurring = client.call("BatchSendEmail", **batch, **given, **cycle).TaskId

    def tasks() -> dict[int, tuple[int, int]]:
        found = client.call("ListSendTasks", **PAGE, ReceiverId=receiver).Data
        return {one.TaskId: (one.TaskStatus, one.SendCount) for one in found}

    wait_for(lambda: tasks()[at_once] == (10, 40), "the batch at once", 240)
    wait_for(lambda: tasks()[later] == (10, 40), "the timed batch", 240)
    assert tasks()[recurring] == (1, 0)
    assert stack.mailbox("/api/messages?to=r7@reference.example")["count"] == 2
    # A day of the reference may end meanwhile.
    status = [
        one
        for day in sorted({f"{moment:%Y-%m-%d}" for moment in (asked_at, datetime.now(UTC) + timedelta(hours=8))})
        for one in client.call(
            "GetSendEmailStatus", RequestDate=day, **PAGE, ToEmailAddress="r7@reference.example"
        ).EmailStatusList
    ]
    assert [(one.SendStatus, one.DeliverStatus) for one in status] == [(0, 1), (0, 1)]
    code = {"TemplateID": template, "TemplateData": '{"name":"N","code":"394021"}'}
    mail = {"FromEmailAddress": SENDER, "Subject": "Your code", "Destination": ["code@reference.example"]}
    sent = client.call("SendEmail", **mail, Template=code, TriggerType=1)
    assert sent.MessageId
    wait_for(lambda: stack.mailbox("/api/messages?to=code@reference.example")["count"] == 1, "the code", 120)
