"""A send task's definition: what is read, and what is refused with the place and the field."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml

from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.send_task import Advertisement, parse_send_task, read_send_task
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


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        ("MailTeam", ("MailTeam",)),
        ("Sales, MailTeam", ("MailTeam", "Sales")),
        (" Sales ,, MailTeam,Sales", ("MailTeam", "Sales")),
        ("Équipe du courrier, 営業", ("Équipe du courrier", "営業")),
        (None, ()),
    ],
)
def test_roles_are_names_with_commas_between_them_each_once(given, roles):
    assert parse_send_task({**GOOD, "roles": given}, where="x").roles == roles


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("x" * 65, "has more than 64 characters"),
        (", ".join(f"r{number}" for number in range(21)), "has 21 names; at most 20"),
        ("Mail\tTeam", "control character"),
    ],
)
def test_what_can_be_no_role_is_refused(given, problem):
    with pytest.raises(InvalidInput, match=problem) as refused:
        parse_send_task({**GOOD, "roles": given}, where="x")
    assert refused.value.field == "roles"


def test_a_daily_task_cannot_begin_at_a_time_that_a_clock_change_skips():
    """Its wall clock time is kept as a moment: from 02:30 that does not exist, it would be at 03:30 ever after."""
    entry = {**GOOD, "start_at": "2035-03-11 02:30", "time_zone": "America/New_York"}
    daily = {**entry, "type": "recurring", "every": "1d"}
    with pytest.raises(InvalidInput, match=r"02:30 does not exist in America/New_York.*03:30"):
        parse_send_task(daily, where="x")
    parse_send_task({**daily, "start_at": "2035-03-10 02:30"}, where="x")


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "scheduled"},
        {"type": "recurring", "every": "24h"},
        {"type": "recurring", "cron": "30 2 * * *"},
    ],
    ids=["scheduled", "every", "cron"],
)
@pytest.mark.parametrize(
    ("zone", "skipped", "same"),
    [("America/New_York", "2035-03-11 02:30", "03:30"), ("Australia/Lord_Howe", "2034-10-01 02:15", "02:45")],
    ids=["an-hour", "half-an-hour"],
)
def test_a_start_that_a_clock_change_skips_is_refused_with_the_time_that_is_meant(kind, zone, skipped, same):
    entry = {**GOOD, **kind, "time_zone": zone, "start_at": skipped}
    with pytest.raises(InvalidInput, match=rf"{skipped} does not exist in {zone}: .*write {same}") as refused:
        parse_send_task(entry, where="x")
    assert refused.value.field == "start_at"
    parse_send_task({**entry, "start_at": f"{skipped[:11]}{same}"}, where="x")


def test_an_end_that_a_clock_change_skips_is_refused_and_a_day_that_has_one_is_not():
    entry = {
        **GOOD,
        "type": "recurring",
        "every": "1d",
        "start_at": "2035-01-01 09:00",
        "time_zone": "America/New_York",
    }
    with pytest.raises(InvalidInput, match="until: 2035-03-11 02:30 does not exist"):
        parse_send_task({**entry, "until": "2035-03-11 02:30"}, where="x")
    # The clock of Asia/Beirut goes on at midnight: the day before has no last hour, and the next no first.
    beirut = {**entry, "time_zone": "Asia/Beirut"}
    for day in ("2035-03-24", "2035-03-25", "20350325", "2035-W12-7"):
        assert parse_send_task({**beirut, "until": day}, where="x").schedule.until is not None


@pytest.mark.parametrize(
    "url",
    [
        *("http://x", "https://x/unsubscribe", "https://localhost/u", "https:///u", "https://127.0.0.1/u"),
        *("https://shop..example/u", "https://-shop.example/u", "https://shop.example:port/u", "https://.example/u"),
        *("mailto:", "mailto:nobody", "mailto:a@b", "https://shop.example/a page", "https://shop_1.example/u"),
        *("https://[::1]/u", "http://shop.1/u", "mailto:@shop.example", "https://?u=1", "https://#shop.example"),
    ],
)
def test_an_unsubscribe_address_that_nobody_could_reach_is_refused(url):
    with pytest.raises(InvalidInput) as refused:
        parse_send_task({**GOOD, "unsubscribe_url": url}, where="x")
    assert refused.value.field == "unsubscribe_url"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://shop.example/u",
            "https://shop.example:8443/u?id={{ id }}&m={{ mail | urlencode }}",
            "HTTPS://A.example",
        ),
        *("http://shop.example", "mailto:leave@shop.example", "mailto:leave+{{ id }}@shop.example?subject=leave"),
        *("https://bücher.example/u", "https://xn--bcher-kva.example"),
    ],
)
def test_an_unsubscribe_address_with_variables_in_it_is_taken_as_it_is(url):
    assert parse_send_task({**GOOD, "unsubscribe_url": url}, where="x").unsubscribe_url == url


def test_a_reply_address_must_be_one_that_can_be_answered_to():
    with pytest.raises(InvalidInput, match="reply_to: 'service@shop' is not an address: 'shop' is not a domain name"):
        parse_send_task({**GOOD, "reply_to": "service@shop"}, where="x")


def test_times_with_an_offset_keep_it():
    entry = {**GOOD, "type": "scheduled", "start_at": "2026-12-01T09:00:00+09:00", "time_zone": "America/New_York"}
    assert parse_send_task(entry, where="x").schedule.start_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"colour": "red"}, "colour", "unknown key"),
        ({"unsubscribe": "yes"}, "unsubscribe", "must be one of none, zh-CN, en"),
        ({"unsubscribe_page": "en"}, "unsubscribe_page", "did you mean unsubscribe?"),
        ({"unsubscribe": "en", "unsubscribe_url": "https://x.example/u"}, "unsubscribe", "not both"),
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
        ({"track": "everything"}, "track", "opens: true"),
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


RECURRING = {**GOOD, "type": "recurring", "start_at": "2026-12-01 09:00", "every": "1d"}


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("field", ["start_at", "until"])
@pytest.mark.parametrize(
    "text",
    [
        *("9999-12-31 23:59", "0001-01-01", "9998-06-01", "2201-01-01", "1969-12-31 23:59", "9999-12-31"),
        *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2300-01-01T00:00Z"),
    ],
)
def test_a_moment_outside_of_1970_to_2200_is_refused_by_its_field_in_every_zone(zone, field, text):
    with pytest.raises(InvalidInput) as caught:
        parse_send_task({**RECURRING, "time_zone": zone, field: text}, where="spring.yaml")
    assert str(caught.value) == f"spring.yaml: {field}: {text!r} is not in the years from 1970 to 2200"
    for value in (datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC), datetime.max.date()):
        with pytest.raises(InvalidInput, match="years from 1970 to 2200"):
            parse_send_task({**RECURRING, "time_zone": zone, field: value}, where="spring.yaml")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_first_and_the_last_moment_of_time_can_be_written_in_every_zone(zone):
    entry = {**RECURRING, "time_zone": zone, "start_at": "1970-01-01 00:00", "until": "2200-12-31"}
    task = parse_send_task(entry, where="x")
    assert len(task.schedule.next_slots(3)) == 3
    assert "until the end of 2200-12-31" in task.schedule.describe()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"every": "99999d"}, "every", "longer than the years"),
        ({"every": "999999999d"}, "every", "longer than the years"),
        ({"every": "80000d"}, "every", "second start would be after the year 2200"),
        ({"every": "2000000h"}, "every", "second start would be after the year 2200"),
        ({"start_grace": "999999d"}, "start_grace", "longer than the years"),
        ({"start_grace": "9" * 5000 + "s"}, "start_grace", "longer than the years"),
    ],
)
def test_a_span_as_long_as_time_is_refused_by_its_field(changes, field, words):
    with pytest.raises(InvalidInput) as caught:
        parse_send_task({**RECURRING, **changes}, where="x")
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize("until", ["2026-12-03", date(2026, 12, 3), "20261203", " 2026-12-03 "])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_an_end_that_is_a_day_includes_the_whole_day_in_the_tasks_zone(zone, until):
    task = parse_send_task({**RECURRING, "time_zone": zone, "until": until}, where="x")
    local = [slot.astimezone(ZoneInfo(zone)).strftime("%d %H:%M") for slot in task.schedule.next_slots(9)]
    assert local == ["01 09:00", "02 09:00", "03 09:00"]
    late = parse_send_task({**RECURRING, "start_at": "2026-12-03 23:59", "time_zone": zone, "until": until}, where="x")
    assert len(late.schedule.next_slots(9)) == 1


def test_a_day_as_the_end_is_as_long_as_its_clock_has_it():
    """In Santiago 23:00 comes twice on 4 April 2026, in Beirut 29 March begins at 01:00."""
    santiago = {
        **GOOD,
        "type": "recurring",
        "start_at": "2026-04-04 21:30",
        "cron": "30 * * * *",
        "until": "2026-04-04",
    }
    slots = parse_send_task({**santiago, "time_zone": "America/Santiago"}, where="x").schedule.next_slots(9)
    assert len(slots) == 4
    beirut = {**GOOD, "type": "recurring", "start_at": "2026-03-28 22:00", "cron": "0 * * * *", "until": "2026-03-28"}
    task = parse_send_task({**beirut, "time_zone": "Asia/Beirut"}, where="x")
    assert len(task.schedule.next_slots(9)) == 2
    assert "until the end of 2026-03-28" in task.schedule.describe()


def test_an_end_with_a_time_is_that_moment():
    task = parse_send_task({**RECURRING, "until": "2026-12-03 00:00"}, where="x")
    assert task.schedule.until == datetime(2026, 12, 3, tzinfo=UTC)
    assert len(task.schedule.next_slots(9)) == 2


def test_all_that_is_wrong_with_a_definition_is_said_at_once_with_its_lines():
    entry = {**RECURRING, "subjct": "Hi", "name": "Spring Sale", "every": "often", "until": "never", "sender": "nobody"}
    task, problems = read_send_task(entry, where="spring.yaml", lines={"name": 1, "subjct": 4})
    assert task is None
    assert [problem.field for problem in problems] == ["subjct", "name", "sender", "until", "every"]
    assert str(problems[0]).startswith("spring.yaml: subjct: unknown key; did you mean subject? known are")
    assert str(problems[0]).endswith(" (line 4)")
    assert str(problems[1]).endswith("not beginning or ending with - (line 1)")
    assert "line" not in str(problems[2])


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize("field", ["subject", "template", "group", "sender", "unsubscribe_url", "reply_to"])
def test_a_character_that_no_database_stores_is_refused(field, text):
    with pytest.raises(InvalidInput, match=f"{field}: .*control character"):
        parse_send_task({**GOOD, field: text}, where="x")
