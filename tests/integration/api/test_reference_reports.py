"""GetStatisticsReport, GetAbuseReport and the states of mail, after events of recipients and their providers came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.record_events import record_events
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.sending.chunk.made_messages import check_of
from ses_ops.storage.connection import connected
from tests.integration.api.api_process import rows
from tests.integration.api.reference_client import ReferenceClient, reference_key
from tests.integration.api.reference_world import SENDER, base64_of, reference_api
from tests.integration.sending_world import DOMAIN, World, quota
from tests.recording_smtp import RecordingServer

PAGE = {"Offset": 0, "Limit": 100}
#: What is told of each message.
TOLD = {
    "bounced": {"kind": EventKind.BOUNCED, "hard": True, "diagnostic": "550 5.1.1 gone"},
    "complained": {"kind": EventKind.COMPLAINED},
    "left": {"kind": EventKind.UNSUBSCRIBED},
    "deferred": {"kind": EventKind.DEFERRED, "diagnostic": "451 4.7.1 later"},
    "dropped": {"kind": EventKind.DROPPED, "diagnostic": "spam"},
    "delivered": {"kind": EventKind.DELIVERED},
}


@pytest.fixture(scope="module")
def client(api_dsn, tmp_path_factory):
    """Of an installation that has sent a mailing to gmail.com, one recipient for each thing that is told."""
    with RecordingServer() as smtp, reference_api(api_dsn, tmp_path_factory.mktemp("reference")) as process:
        client = ReferenceClient(process.url, reference_key(api_dsn, "reports"))
        content = {"Text": base64_of("Hello")}
        template = client.call("CreateEmailTemplate", TemplateName="x", TemplateContent=content).TemplateID
        receiver = client.call("CreateReceiver", ReceiversName="reports").ReceiverId
        emails = [f"{name}@gmail.com" for name in (*TOLD, "fine")]
        client.call("CreateReceiverDetail", ReceiverId=receiver, Emails=emails)
        given = {"Template": {"TemplateID": template, "TemplateData": "{}"}, "Subject": "Sale", "TaskType": 1}
        task = client.call("BatchSendEmail", FromEmailAddress=SENDER, ReceiverId=receiver, **given).TaskId
        ((name,),) = rows(api_dsn, "SELECT name FROM send_task WHERE id = %s", task)
        world = World(api_dsn, tmp_path_factory.mktemp("world"), quota(1_000_000), smtp.uri)
        world.whole_run(world.run(name))
        world.conn.close()
        assert smtp.total == len(emails)
        with connected(api_dsn) as conn:
            record_events(conn, [event(api_dsn, name) for name in TOLD])
        yield client


def event(dsn: str, name: str) -> MessageEvent:
    address = f"{name}@gmail.com"
    ((occurrence, seq),) = rows(dsn, "SELECT occurrence_id, seq FROM message WHERE address = %s", address)
    key = MessageKey(occurrence_id=occurrence, seq=seq, address_check=check_of(address))
    return MessageEvent(source="amazon_ses", source_id=name, occurred_at=datetime.now(UTC), message=key, **TOLD[name])


def today() -> str:
    return f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"


def test_each_message_has_the_state_that_was_told_of_it(client):
    asked = {"RequestDate": today(), **PAGE}
    found = {}
    for name in (*TOLD, "fine"):
        (line,) = client.call("GetSendEmailStatus", **asked, ToEmailAddress=f"{name}@gmail.com").EmailStatusList
        found[name] = (line.SendStatus, line.DeliverStatus, line.DeliverMessage)
        assert line.UserUnsubscribed is (name == "left")
        assert (line.UserComplainted, line.UserComplained) == ((name == "complained"),) * 2
    assert found == {
        "bounced": (0, 3, "550 5.1.1 gone"),
        "complained": (0, 1, ""),
        "left": (0, 1, ""),
        "deferred": (0, 8, "451 4.7.1 later"),
        "dropped": (0, 2, "spam"),
        "delivered": (0, 1, ""),
        "fine": (0, 1, ""),
    }


def test_the_statistics_of_some_days_are_sums_of_ours(client):
    day = datetime.now(UTC)
    span = {"StartDate": f"{day - timedelta(days=1):%Y-%m-%d}", "EndDate": f"{day + timedelta(days=1):%Y-%m-%d}"}
    report = client.call("GetStatisticsReport", **span, Domain=DOMAIN)
    assert len(report.DailyVolumes) == 3
    total = report.OverallVolume
    counts = (total.RequestCount, total.AcceptedCount, total.DeliveredCount, total.BounceCount, total.UnsubscribeCount)
    assert counts == (7, 7, 5, 1, 1)
    assert sum(one.RequestCount for one in report.DailyVolumes) == 7
    for provider, count in (("gmail.com", 7), ("google", 7), ("qq.com", 0)):
        found = client.call("GetStatisticsReport", **span, ReceivingMailboxType=provider).OverallVolume
        assert found.AcceptedCount == count, provider
    assert client.refused("GetStatisticsReport", StartDate="2026-01-02", EndDate="2026-01-01") == WRONG_DATE
    assert client.refused("GetStatisticsReport", StartDate="2026-01-02", EndDate="x") == WRONG_DATE


WRONG_DATE = "InvalidParameterValue.WrongDate"


def test_complaints_are_reported_to_those_who_ask_for_them(client):
    span = {"StartTime": "2026-01-01 00:00:00", "EndTime": "2099-01-01"}
    report = client.call("GetAbuseReport", **span)
    (one,) = report.Data
    assert (report.TotalCount, one.OriginalRcptTo, one.FromDomain, one.Mta) == (
        1,
        "complained@gmail.com",
        DOMAIN,
        "gmail.com",
    )
    assert (one.OriginalMailFrom, one.Subject, one.MessageId == one.BulkId) == (SENDER, "Sale", True)
    listed = client.call("ListEmailTemplates", **PAGE).TemplatesMetadata[0].TemplateID
    for more, count in (
        ({"TemplateId": str(listed)}, 1),
        ({"TemplateId": "1"}, 0),
        ({"ToAddress": "complained@gmail.com"}, 1),
        ({"ToAddress": "other@gmail.com"}, 0),
        ({"Mta": "gmail.com", "FromAddress": "news@", "FromDomain": DOMAIN}, 1),
        ({"Offset": 1, "Limit": 5}, 0),
    ):
        assert len(client.call("GetAbuseReport", **span, **more).Data) == count, more
    refused = client.refused
    assert refused("GetAbuseReport", StartTime="x", EndTime="2026-01-01") == "InvalidParameter.InvalidStartTimeFormat"
    assert refused("GetAbuseReport", StartTime="2026-01-01", EndTime="x") == "InvalidParameter.InvalidEndTimeFormat"
    assert refused("GetAbuseReport", **span, Limit=1001) == "FailedOperation.InvalidLimit"
