"""Opens and clicks as each provider tells of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from ses_ops.domain.engagement import Engagement, EngagementKind
from ses_ops.domain.message_event import MessageKey
from ses_ops.events.amazon_ses import AmazonSes
from ses_ops.events.custom import Custom
from ses_ops.events.hook import Heard, Hook, HookRequest
from ses_ops.events.mailgun import Mailgun
from ses_ops.events.postmark import Postmark
from ses_ops.events.sendgrid import SendGrid
from ses_ops.events.spool import packed, unpacked
from ses_ops.events.tencent_ses import TencentSes

KEY = MessageKey(occurrence_id=7, seq=3, address_check=9)
AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"
TARGET = "https://shop.example/?a=1&b=2#c"


def told(hook: Hook, body: object, **headers: str) -> list[Engagement]:
    """What a request tells; nothing else, and nothing set aside."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    heard = Heard(source=hook.source, read_token=lambda token: KEY if token == "t0" else None)
    headers = {"content-type": "application/json", "webhook-id": "m1"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    hook.parse(HookRequest(headers=headers, body=raw, at=AT), heard)
    assert not heard.events
    assert not heard.set_aside
    for one in heard.engagement:
        assert unpacked(packed(one)[:-1]) == one, "it goes through the spool unchanged"
    return heard.engagement


def what(one: Engagement) -> tuple[object, ...]:
    return one.kind.value, one.message, one.occurred_at, one.target, one.ip, one.user_agent


def amazon(kind: str, **part: object) -> dict[str, object]:
    record = {
        "eventType": kind,
        "mail": {"destination": ["ann@example.com"], "tags": {"ses_ops": ["t0"]}, "timestamp": "2026-11-29T11:00:00Z"},
        kind.lower(): {"ipAddress": "192.0.2.1", "userAgent": AGENT, "timestamp": "2026-11-29T12:00:00.000Z", **part},
    }
    return {"Type": "Notification", "MessageId": f"sns-{kind}", "Message": json.dumps(record)}


def test_amazon_ses():
    hook = AmazonSes(frozenset())
    (opened,) = told(hook, amazon("Open"))
    assert what(opened) == ("opened", KEY, AT, "", "192.0.2.1", AGENT)
    (clicked,) = told(hook, amazon("Click", link=TARGET, linkTags={"a": ["b"]}))
    assert what(clicked) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT)
    assert clicked.source_id == "sns-Click"
    assert told(hook, amazon("Click", link=TARGET, timestamp="never")) == []


def test_sendgrid():
    event = {
        "email": "ann@example.com",
        "timestamp": 1795953600,
        "ses_ops": "t0",
        "ip": "192.0.2.1",
        "useragent": AGENT,
    }
    opened, clicked, machine = told(
        SendGrid(()),
        [
            {**event, "event": "open", "sg_event_id": "a", "sg_machine_open": False},
            {**event, "event": "click", "sg_event_id": "b", "url": TARGET, "url_offset": {"index": 2, "type": "html"}},
            {**event, "event": "open", "sg_event_id": "c", "sg_machine_open": True},
        ],
    )
    assert what(opened) == ("opened", KEY, AT, "", "192.0.2.1", AGENT)
    assert (*what(clicked), clicked.place) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT, 2)
    assert [one.told_machine for one in (opened, clicked, machine)] == [False, False, True]


def test_mailgun_in_both_of_its_forms():
    def event(kind: str, **more: object) -> dict[str, object]:
        data = {
            "event": kind,
            "timestamp": 1795953600.0,
            "recipient": "ann@example.com",
            "user-variables": {"ses_ops": "t0"},
            "ip": "192.0.2.1",
            "client-info": {"user-agent": AGENT, "bot": more.pop("bot", "")},
            **more,
        }
        return {"signature": {"token": f"tok-{kind}"}, "event-data": data}

    hook = Mailgun(())
    (opened,) = told(hook, event("opened"))
    assert what(opened) == ("opened", KEY, AT, "", "192.0.2.1", AGENT)
    (clicked,) = told(hook, event("clicked", url=TARGET))
    assert what(clicked) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT)
    assert [told(hook, event("opened", bot=bot))[0].told_machine for bot in ("apple", "gmail", "generic", "")] == [
        *(True, False, True, False)
    ]
    older = {
        "event": "clicked",
        "timestamp": "1795953600",
        "token": "x",
        "recipient": "ann@example.com",
        "ses_ops": "t0",
        "url": TARGET,
        "ip": "192.0.2.1",
        "user-agent": AGENT,
    }
    (clicked,) = told(hook, urlencode(older).encode(), content_type="application/x-www-form-urlencoded")
    assert what(clicked) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT)


def test_postmark():
    event = {
        "MessageID": "m-1",
        "Recipient": "ann@example.com",
        "ReceivedAt": "2026-11-29T12:00:00.0000000Z",
        "UserAgent": AGENT,
        "Geo": {"IP": "192.0.2.1"},
        "Metadata": {"ses-ops": "t0"},
    }
    hook = Postmark(())
    (opened,) = told(hook, {**event, "RecordType": "Open", "FirstOpen": True})
    assert what(opened) == ("opened", KEY, AT, "", "192.0.2.1", AGENT)
    (clicked,) = told(hook, {**event, "RecordType": "Click", "OriginalLink": TARGET, "ClickLocation": "HTML"})
    assert what(clicked) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT)
    assert opened.source_id != clicked.source_id
    assert told(hook, {**event, "RecordType": "Open", "FirstOpen": True})[0].source_id == opened.source_id


def test_tencent_ses():
    event = {
        "email": "ann@example.com",
        "bulkId": "b",
        "timestamp": 1795953600,
        "useragent": AGENT,
        "X-Tencentcloudses-Cb-Sesops": "t0",
    }
    hook = TencentSes(())
    (opened,) = told(hook, {**event, "event": "open"})
    assert what(opened) == ("opened", KEY, AT, "", "", AGENT)
    (clicked,), (other,) = (told(hook, {**event, "event": "click", "link": link}) for link in (TARGET, TARGET + "2"))
    assert what(clicked) == ("clicked", KEY, AT, TARGET, "", AGENT)
    assert clicked.source_id != other.source_id


def test_our_own_format():
    event = {"id": "e1", "time": "2026-11-29T12:00:00Z", "token": "t0", "ip": "192.0.2.1", "user_agent": AGENT}
    opened, clicked = told(
        Custom(()),
        [{**event, "kind": "opened", "machine": True}, {**event, "kind": "clicked", "url": TARGET, "place": 4}],
    )
    assert (*what(opened), opened.told_machine) == ("opened", KEY, AT, "", "192.0.2.1", AGENT, True)
    assert (*what(clicked), clicked.place) == ("clicked", KEY, AT, TARGET, "192.0.2.1", AGENT, 4)


def test_values_of_a_wrong_kind_harm_nobody():
    odd = {"id": {}, "time": 1795953600, "token": [], "url": {"a": 1}, "place": True, "ip": 7, "user_agent": ["x"]}
    (one,) = told(Custom(()), [{**odd, "kind": "clicked"}])
    assert (one.kind, one.message, one.target, one.place, one.user_agent) == (
        EngagementKind.CLICKED,
        None,
        "",
        None,
        "",
    )
