"""BatchSendEmail and ListSendTasks by the reference's own client: real send tasks, and their mail at an SMTP server."""

from __future__ import annotations

import email
import email.policy
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from ses_ops.storage.connection import connected
from ses_ops.storage.tasks import send_tasks
from tests.integration.api.api_process import rows
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.integration.sending_world import DOMAIN, World, quota
from tests.recording_smtp import RecordingServer

PAGE = {"Offset": 0, "Limit": 100}
ZONE = timedelta(hours=8)
COUNTS = "SELECT (SELECT count(*) FROM send_task), (SELECT count(*) FROM stored_template WHERE deleted_at IS NULL)"


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory):
    more = {"SES_PUBLIC_URL": "https://mail.example.net"}
    with reference_api(api_dsn, tmp_path_factory.mktemp("reference"), **more) as process:
        yield process


@pytest.fixture(scope="module")
def client(api, api_dsn):
    return ReferenceClient(api.url, reference_key(api_dsn, "batches"))


@pytest.fixture(scope="module")
def template(client) -> int:
    content = {"Html": base64_of("<p>{{name}}: {{code}}</p>"), "Text": base64_of("{{name}}: {{code}}")}
    return client.call("CreateEmailTemplate", TemplateName="Angebot", TemplateContent=content).TemplateID


def receiver(client, title: str, *, data: bool = True, count: int = 3) -> int:
    id = client.call("CreateReceiver", ReceiversName=title).ReceiverId
    if data:
        datas = [
            {
                "Email": f"{title}{number}@example.com",
                "TemplateData": json.dumps({"name": f"N{number}", "code": number}),
            }
            for number in range(count)
        ]
        client.call("CreateReceiverDetailWithData", ReceiverId=id, Datas=datas)
    else:
        client.call(
            "CreateReceiverDetail", ReceiverId=id, Emails=[f"{title}{number}@example.com" for number in range(count)]
        )
    return id


def batch(id: int, template: int, **fields) -> dict:
    given = {"TemplateID": template, "TemplateData": "{}"}
    return {
        "FromEmailAddress": SENDER,
        "ReceiverId": id,
        "Subject": "Hi {{name}}",
        "TaskType": 1,
        "Template": given,
        **fields,
    }


def there(moment: datetime) -> str:
    """A moment as clients of the reference write it."""
    return f"{moment.astimezone(UTC) + ZONE:%Y-%m-%d %H:%M:%S}"


def listed(client, task_id: int):
    (found,) = [one for one in client.call("ListSendTasks", **PAGE).Data if one.TaskId == task_id]
    return found


def definition(dsn: str, task_id: int):
    ((name,),) = rows(dsn, "SELECT name FROM send_task WHERE id = %s", task_id)
    with connected(dsn) as conn:
        return send_tasks.find_row(conn, name).definition


def test_a_task_at_once_is_a_send_task_that_airflow_is_told_of(client, api_dsn, template):
    id = receiver(client, "now")
    more = {"Unsubscribe": "2", "ADLocation": 1, "ReplyToAddresses": "reply@example.com"}
    task_id = client.call("BatchSendEmail", **batch(id, template, **more)).TaskId
    task = definition(api_dsn, task_id)
    assert (task.type, task.unsubscribe, task.advertisement) == ("immediate", "en", "before")
    assert (task.reply_to, task.sender, task.subject) == ("reply@example.com", SENDER, "Hi {{name}}")
    found = listed(client, task_id)
    assert (found.TaskType, found.TaskStatus, found.ReceiverId, found.ReceiversName) == (1, 1, id, "now")
    assert (found.Template.TemplateID, found.Template.TemplateData) == (template, "{}")
    assert (found.CycleParam, found.TimedParam, found.ErrMsg) == (None, None, "")
    assert (found.RequestCount, found.SendCount, found.CacheCount) == (0, 0, 0)
    asked = "SELECT facts->'created'->>0 FROM airflow_request WHERE kind = 'update_dags'"
    assert (task.name,) in rows(api_dsn, asked)


def test_a_timed_and_a_cyclic_task_start_by_the_clock_of_the_reference(client, api_dsn, template):
    id = receiver(client, "timed")
    begin = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    timed = client.call(
        "BatchSendEmail", **batch(id, template, TaskType=2, TimedParam={"BeginTime": there(begin)})
    ).TaskId
    task = definition(api_dsn, timed)
    assert (task.type, task.schedule.start_at, task.schedule.time_zone) == ("scheduled", begin, "Asia/Shanghai")
    assert listed(client, timed).TimedParam.BeginTime == there(begin)
    cycle = {"BeginTime": there(begin), "IntervalTime": 36}
    cyclic = client.call("BatchSendEmail", **batch(id, template, TaskType=3, CycleParam=cycle)).TaskId
    task = definition(api_dsn, cyclic)
    assert (task.type, task.schedule.next_slots(2)) == ("recurring", [begin, begin + timedelta(hours=36)])
    found = listed(client, cyclic).CycleParam
    assert (found.BeginTime, found.IntervalTime) == (there(begin), 36)
    exact = {"BeginTime": begin.isoformat()}
    other = client.call("BatchSendEmail", **batch(id, template, TaskType=2, TimedParam=exact)).TaskId
    assert definition(api_dsn, other).schedule.start_at == begin, "with an offset it is that moment"
    ids = [one.TaskId for one in client.call("ListSendTasks", **PAGE, TaskType=3, ReceiverId=id, Status=1).Data]
    assert ids == [cyclic]
    page = client.call("ListSendTasks", Offset=1, Limit=1, ReceiverId=id)
    assert (page.TotalCount, [one.TaskId for one in page.Data]) == (3, [cyclic])


def test_values_for_all_recipients_are_filled_into_a_template_of_the_task(client, api_dsn, template, tmp_path):
    id = receiver(client, "common", data=False)
    hard = 'A "b" {{ c }} {% d %} \\ <i> 安 # }}'
    data = json.dumps({"name": hard, "code": 7}, ensure_ascii=False)
    given = {"TemplateID": template, "TemplateData": data}
    task_id = client.call("BatchSendEmail", **batch(id, template, Template=given)).TaskId
    found = listed(client, task_id).Template
    assert (found.TemplateID, found.TemplateData) == (template, data)
    listing = client.call("ListEmailTemplates", **PAGE).TemplatesMetadata
    assert [one.TemplateID for one in listing] == [template], "it is in no list"
    with RecordingServer() as smtp:
        sent(api_dsn, tmp_path, smtp, task_id)
        assert smtp.total == 3
        mail = email.message_from_bytes(smtp.contents["common0@example.com"], policy=email.policy.default)
    assert mail["subject"] == f"Hi {hard}"
    assert mail["to"] == "common0@example.com", "each sees only itself"
    assert mail.get_body(("plain",)).get_content().strip() == f"{hard}: 7"
    assert "A &#34;b&#34; {{ c }} {% d %} \\ &lt;i&gt; 安" in mail.get_body(("html",)).get_content()
    line = listed(client, task_id)
    assert (line.TaskStatus, line.RequestCount, line.SendCount) == (10, 3, 3)
    status = client.call(
        "GetSendEmailStatus", RequestDate=there(datetime.now(UTC))[:10], **PAGE, ToEmailAddress="common0@example.com"
    )
    (one,) = status.EmailStatusList
    assert (one.SendStatus, one.DeliverStatus, one.FromEmailAddress) == (0, 1, SENDER)
    again = client.call(
        "GetSendEmailStatus", RequestDate=there(datetime.now(UTC))[:10], **PAGE, MessageId=one.MessageId
    )
    assert [same.ToEmailAddress for same in again.EmailStatusList] == ["common0@example.com"]


def sent(dsn: str, folder, smtp: RecordingServer, task_id: int) -> None:
    """Send a task as its DAG does."""
    ((name,),) = rows(dsn, "SELECT name FROM send_task WHERE id = %s", task_id)
    world = World(dsn, folder, quota(1_000_000), smtp.uri)
    try:
        world.whole_run(world.run(name))
    finally:
        world.conn.close()


def test_recipients_values_hold_before_those_for_all(client, api_dsn, template, tmp_path):
    id = receiver(client, "own")
    given = {"TemplateID": template, "TemplateData": '{"name":"all","code":"all"}'}
    task_id = client.call("BatchSendEmail", **batch(id, template, Template=given)).TaskId
    with RecordingServer() as smtp:
        sent(api_dsn, tmp_path, smtp, task_id)
        mail = email.message_from_bytes(smtp.contents["own1@example.com"], policy=email.policy.default)
    assert mail.get_body(("plain",)).get_content().strip() == "N1: 1"


def test_a_text_of_its_own_is_sent_as_it_is(client, api_dsn, template, tmp_path):
    id = receiver(client, "simple")
    simple = {"Text": base64_of("A { b } {{ name }} {% x %}"), "Html": base64_of("<p>{{ name }}</p>")}
    task_id = client.call("BatchSendEmail", **batch(id, template, Template=None, Simple=simple)).TaskId
    with RecordingServer() as smtp:
        sent(api_dsn, tmp_path, smtp, task_id)
        mail = email.message_from_bytes(smtp.contents["simple1@example.com"], policy=email.policy.default)
    assert mail.get_body(("plain",)).get_content().strip() == "A { b } {{ name }} {% x %}"
    assert mail["subject"] == "Hi N1"


def test_a_named_request_may_be_repeated_when_its_time_has_come(client, template):
    id = receiver(client, "soon", count=1)
    timed = {"TaskType": 2, "TimedParam": {"BeginTime": there(datetime.now(UTC) + timedelta(seconds=10))}}
    fields, named = batch(id, template, **timed), {"Idempotency-Key": "soon"}
    first = client.sdk.call_json("BatchSendEmail", fields, headers=named)["Response"]["TaskId"]
    time.sleep(10.5)
    assert client.sdk.call_json("BatchSendEmail", fields, headers=named)["Response"]["TaskId"] == first
    assert client.refused("BatchSendEmail", **fields) == "InvalidParameterValue.BeginTimeBeforeNow"


@pytest.mark.parametrize("kind", ["template", "filled", "simple"])
def test_a_named_request_makes_one_task(client, api_dsn, template, kind):
    id = receiver(client, f"once-{kind}", data=kind == "template", count=1)
    data = {"TemplateID": template, "TemplateData": "{}" if kind == "template" else '{"name":"x","code":"y"}'}
    content = {"Template": None, "Simple": {"Text": "eA=="}} if kind == "simple" else {"Template": data}
    subject = {"Subject": "x"} if kind == "simple" else {}
    fields = {name: one for name, one in batch(id, template, **content, **subject).items() if one is not None}
    named = {"Idempotency-Key": f"spring-mailing-{kind}"}
    ids = {client.sdk.call_json("BatchSendEmail", fields, headers=named)["Response"]["TaskId"] for _ in range(3)}
    assert len(ids) == 1
    before = rows(api_dsn, COUNTS)
    with pytest.raises(TencentCloudSDKException, match="InvalidParameterValue"):
        client.sdk.call_json("BatchSendEmail", {**fields, "Subject": "another"}, headers=named)
    assert rows(api_dsn, COUNTS) == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ReceiverId": 10**12}, "OperationDenied.ReceiverNotExist"),
        ({"FromEmailAddress": "a@not.set.up.example"}, "OperationDenied.SendAddressStatusError"),
        ({"FromEmailAddress": "nobody"}, "OperationDenied.SendAddressStatusError"),
        ({"Template": {"TemplateID": 5, "TemplateData": "{}"}}, "OperationDenied.TemplateStatusError"),
        ({"Template": None}, "MissingParameter.SendParamNecessary"),
        ({"Template": None, "Simple": {"Html": "?"}}, "InvalidParameterValue.EmailContentIsWrong"),
        ({"Subject": ""}, "InvalidParameterValue.SubjectLengthError"),
        ({"Subject": "x" * 101}, "InvalidParameterValue.SubjectLengthError"),
        ({"TaskType": 4}, "InvalidParameterValue"),
        ({"TaskType": 2}, "MissingParameter.TimedParamNecessary"),
        ({"TaskType": 3}, "MissingParameter.CycleParamNecessary"),
        (
            {"TaskType": 2, "TimedParam": {"BeginTime": "2021-09-10 11:10:11"}},
            "InvalidParameterValue.BeginTimeBeforeNow",
        ),
        ({"TaskType": 2, "TimedParam": {"BeginTime": "tomorrow"}}, "InvalidParameterValue"),
        (
            {"TaskType": 3, "CycleParam": {"BeginTime": "2099-01-01 00:00:00", "IntervalTime": 0}},
            "InvalidParameterValue",
        ),
        ({"ADLocation": 3}, "InvalidParameterValue"),
        ({"Unsubscribe": "x"}, "InvalidParameterValue"),
        ({"ReplyToAddresses": "none"}, "FailedOperation.IncorrectEmail"),
    ],
)
def test_what_cannot_be_a_task_is_refused_and_leaves_nothing(client, api_dsn, template, fields, code):
    ((id,),) = rows(api_dsn, "SELECT group_id FROM reference_receiver WHERE title = 'now'") or [
        (receiver(client, "now"),)
    ]
    before = rows(api_dsn, COUNTS)
    assert client.refused("BatchSendEmail", **batch(id, template, **fields)) == code
    assert rows(api_dsn, COUNTS) == before


def test_variables_that_nobody_has_and_an_empty_list_are_refused_and_leave_nothing(client, api_dsn, template):
    empty = client.call("CreateReceiver", ReceiversName="empty").ReceiverId
    assert client.refused("BatchSendEmail", **batch(empty, template)) == "OperationDenied.ReceiverStatusError"
    id = receiver(client, "poor", data=False)
    for data in ("{}", '{"name": "x"}'):
        given = {"TemplateID": template, "TemplateData": data}
        refused = client.refused("BatchSendEmail", **batch(id, template, Template=given))
        assert refused == "InvalidParameterValue.TemplateNotMatchData", data
    for data in ("{", "[]", '{"name": ["x"]}', '{"a b": "x"}'):
        given = {"TemplateID": template, "TemplateData": data}
        refused = client.refused("BatchSendEmail", **batch(id, template, Template=given))
        assert refused == "InvalidParameterValue.TemplateDataError", data
    left = rows(
        api_dsn,
        "SELECT count(*) FROM stored_template t JOIN reference_filled_template f ON f.template_id = t.id"
        " WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM send_task s WHERE s.template = t.name)",
    )
    assert left == [(0,)], "a template of a task that was not made"


def test_a_list_with_a_task_cannot_be_deleted_and_another_domain_sees_no_task(client, api, api_dsn, template):
    id = receiver(client, "held")
    client.call("BatchSendEmail", **batch(id, template))
    assert client.refused("DeleteReceiver", ReceiverId=id) == "OperationDenied"
    other = ReferenceClient(api.url, reference_key(api_dsn, "elsewhere", ["send"], ["other.example.com"]))
    assert other.call("ListSendTasks", **PAGE).TotalCount == 0
    assert other.refused("BatchSendEmail", **batch(id, template)) == "AuthFailure.UnauthorizedOperation"
    assert DOMAIN in SENDER
