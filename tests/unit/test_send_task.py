"""A send task's definition: what is read, and what is refused with the place and the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.send_task import Advertisement, parse_send_task
from ses_ops.errors import InvalidInput

GOOD = {
    "name": "spring-sale",
    "type": "immediate",
    "template": "newsletter",
    "sender": "Example Shop <news@Mail.Example.com>",
    "group": "customers",
}
FULL = """
name: spring-sale
type: recurring
template: newsletter
subject: "Spring is here, {{ name }}"
sender: "Example Shop <news@mail.example.com>"
group: customers
start_at: 2026-12-01 09:00
time_zone: Asia/Tokyo
every: 24h
until: 2027-03-31 09:00
reply_to: help@example.com
unsubscribe_url: "https://shop.example.com/unsubscribe?id={{ customer_id }}"
advertisement: before
start_grace: 1h
on_unknown: hold
"""


def test_the_example_of_the_readme_is_read_as_meant():
    task = parse_send_task(yaml.safe_load(FULL), where="spring.yaml")
    assert task.schedule.start_at == datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    assert task.schedule.until == datetime(2027, 3, 31, 0, 0, tzinfo=UTC)
    assert task.start_grace == timedelta(hours=1)
    assert (task.advertisement, task.on_unknown) == (Advertisement.BEFORE, OnUnknown.HOLD)
    assert task.sender_domain == "mail.example.com"
    assert task.dag_id == "send_task__spring-sale"


def test_a_daily_task_cannot_begin_at_a_time_that_a_clock_change_skips():
    """Its wall clock time is kept as a moment: from 02:30 that does not exist, it would be at 03:30 ever after."""
    entry = {**GOOD, "start_at": "2035-03-11 02:30", "time_zone": "America/New_York"}
    daily = {**entry, "type": "recurring", "every": "1d"}
    with pytest.raises(InvalidInput, match=r"02:30 does not exist in America/New_York.*03:30"):
        parse_send_task(daily, where="x")
    parse_send_task({**daily, "start_at": "2035-03-10 02:30"}, where="x")
    for once in (
        {"type": "scheduled"},
        {"type": "recurring", "every": "24h"},
        {"type": "recurring", "cron": "30 2 * * *"},
    ):
        assert parse_send_task({**entry, **once}, where="x").schedule.start_at == datetime(
            2035, 3, 11, 7, 30, tzinfo=UTC
        )


def test_times_with_an_offset_keep_it():
    entry = {**GOOD, "type": "scheduled", "start_at": "2026-12-01T09:00:00+09:00", "time_zone": "America/New_York"}
    assert parse_send_task(entry, where="x").schedule.start_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"colour": "red"}, "colour", "unknown key"),
        ({"unsubscribe": "en"}, "unsubscribe", "no unsubscribe page of its own yet"),
        ({"name": "Spring Sale"}, "name", "a-z, 0-9"),
        ({"name": None}, "name", "is missing"),
        ({"type": "weekly"}, "type", "must be one of"),
        ({"type": "test"}, "type", "must be one of"),
        ({"sender": "no address"}, "sender", ""),
        ({"sender": "A <a@b.example>\r\nBcc: x@y.example"}, "sender", ""),
        ({"type": "scheduled"}, "start_at", "is missing"),
        ({"start_at": "2026-12-01 09:00"}, "start_at", "makes no sense"),
        ({"type": "scheduled", "start_at": "tomorrow"}, "start_at", "not a time"),
        ({"type": "scheduled", "start_at": "2026-12-01", "time_zone": "Mars/Base"}, "time_zone", "IANA"),
        ({"type": "recurring", "start_at": "2026-12-01"}, "every", "every (such as 24h or 7d) or cron"),
        ({"type": "recurring", "start_at": "2026-12-01", "every": "1h", "cron": "0 9 * * *"}, "every", "not both"),
        ({"type": "recurring", "every": "1h"}, "start_at", "is missing"),
        ({"type": "recurring", "start_at": "2026-12-01", "every": "90m"}, "every", "whole hours or days"),
        ({"type": "recurring", "cron": "0 25 * * *"}, "cron", "five fields"),
        (
            {"type": "recurring", "start_at": "2026-12-02", "every": "1d", "until": "2026-12-01"},
            "until",
            "not after the start",
        ),
        ({"every": "1h"}, "every", "makes no sense"),
        ({"subject": "two\nlines"}, "subject", "line break"),
        ({"subject": "x" * 999}, "subject", "999 characters"),
        ({"subject": 5}, "subject", "must be a text"),
        ({"reply_to": "nobody"}, "reply_to", ""),
        ({"reply_to": "hjälp@example.com"}, "reply_to", "beyond ASCII"),
        ({"reply_to": "Help <a@example.com>"}, "reply_to", ""),
        ({"unsubscribe_url": "javascript:alert(1)"}, "unsubscribe_url", "https://"),
        ({"advertisement": "middle"}, "advertisement", "must be one of"),
        ({"start_grace": "soon"}, "start_grace", "not a span"),
        ({"on_unknown": "guess"}, "on_unknown", "must be one of"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(changes, field, words):
    with pytest.raises(InvalidInput) as caught:
        parse_send_task({**GOOD, **changes}, where="spring.yaml")
    assert str(caught.value).startswith(f"spring.yaml: {field}: ")
    assert words in str(caught.value)


def test_something_else_than_a_mapping_is_refused():
    with pytest.raises(InvalidInput, match=r"spring\.yaml: must be a mapping"):
        parse_send_task(["name"], where="spring.yaml")
