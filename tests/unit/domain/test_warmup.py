"""The warm-up plan: which day it is, what it allots, when cached mail goes on."""

from __future__ import annotations

import itertools
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.address import domain_key, parse_sender
from ses_ops.domain.warmup import (
    LAST_CALL,
    QuotaPlans,
    parse_plan,
    parse_quota_variable,
    quota_day,
    resume_again_at,
    resume_at,
)
from ses_ops.errors import InvalidInput, QuotaError


def plan(**changes):
    return parse_plan("d.example", {"plan": "standard", "started_on": "2026-03-01", **changes})


def test_the_standard_plan_climbs_to_a_million_and_stays_there():
    standard = plan()
    assert [standard.allotment(day) for day in (1, 2, 3, 20, 21, 500)] == [500, 1_000, 2_000, 1_000_000] + [
        1_000_000
    ] * 2


def test_a_daily_limit_is_a_ceiling():
    assert plan(daily_limit=700).allotment(5) == 700
    assert plan(daily_limit=700).allotment(1) == 500


@pytest.mark.parametrize(("date", "hours"), [("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25)])
def test_a_quota_day_goes_from_midnight_to_midnight_in_its_zone(date, hours):
    noon = datetime.fromisoformat(f"{date}T17:00:00+00:00")
    day = quota_day(plan(time_zone="America/New_York"), noon)
    assert day.ends_at - day.starts_at == timedelta(hours=hours)
    assert day.starts_at <= noon < day.ends_at


def test_a_rehearsal_day_of_a_minute_plays_the_plan_minute_by_minute():
    rehearsal = plan(started_on="2026-03-01T10:00", day_length="PT60S")
    at = datetime(2026, 3, 1, 10, 2, 30, tzinfo=UTC)
    day = quota_day(rehearsal, at)
    assert (day.number, day.allotment, day.ends_at - at) == (3, 2_000, timedelta(seconds=30))


def test_a_rehearsal_that_names_only_a_date_counts_from_its_first_use():
    rehearsal = plan(day_length="PT60S")
    began = datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert quota_day(rehearsal, began + timedelta(seconds=61), rehearsal_began_at=began).number == 2


def test_before_the_warm_up_begins_nothing_may_be_sent():
    with pytest.raises(QuotaError, match="begins at 2026-03-01"):
        quota_day(plan(), datetime(2026, 2, 28, tzinfo=UTC))


@given(
    at=st.datetimes(datetime(2026, 3, 2), datetime(2030, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia"]),
    length=st.sampled_from(["PT24H", "PT60S", "PT1H"]),
)
def test_days_follow_each_other_without_gap_and_the_resume_is_on_the_very_next(at, zone, length):
    warmup = plan(time_zone=zone, day_length=length)
    day = quota_day(warmup, at)
    assert day.starts_at <= at < day.ends_at
    following = quota_day(warmup, day.ends_at)
    assert following.starts_at == day.ends_at
    assert following.number == day.number + 1
    again = resume_at(warmup, at, day)
    assert following.starts_at <= again < following.ends_at
    assert resume_again_at(warmup, at, day) == again
    early = timedelta(0) if again == following.starts_at else following.ends_at - again
    assert again - at >= warmup.day_length or early >= warmup.day_length / 12, "early only to be in time for the day"


@given(
    cached=st.datetimes(datetime(2026, 3, 2), datetime(2026, 12, 1), timezones=st.just(UTC)),
    days=st.integers(0, 40),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
    length=st.sampled_from(["PT24H", "PT60S"]),
)
def test_mail_that_is_cached_again_has_one_time_to_go_on_whenever_that_is_on_a_day(cached, days, zone, length):
    warmup = plan(time_zone=zone, day_length=length)
    day = quota_day(warmup, cached)
    for _ in range(days):
        day = quota_day(warmup, day.ends_at)
    following = quota_day(warmup, day.ends_at)
    again = resume_again_at(warmup, cached, day)
    assert following.starts_at <= again < following.ends_at, "on the very next day"
    assert again >= day.starts_at + warmup.day_length / LAST_CALL
    # It does not drift: a day later it is due at the same time, but for a clock change and the last call.
    later = resume_again_at(warmup, cached, following)
    assert abs(later - again - warmup.day_length) <= warmup.day_length / LAST_CALL


@pytest.mark.parametrize(
    ("paused", "resumed", "why"),
    [
        ("2026-03-03T20:00-05:00", "2026-03-04T20:00-05:00", "24 hours later"),
        ("2026-03-07T21:30-05:00", "2026-03-08T22:00-04:00", "the next day has 23 hours: 24 hours later is 22:30"),
        ("2026-03-07T23:30-05:00", "2026-03-08T22:00-04:00", "24 hours later the next day is over"),
        ("2026-11-01T00:30-04:00", "2026-11-02T00:00-05:00", "24 hours later the same day, of 25 hours, is not over"),
        ("2026-11-01T23:59-05:00", "2026-11-02T22:00-05:00", "in time for the next day's quota"),
    ],
)
def test_cached_mail_goes_on_a_day_later_and_in_time_for_the_next_days_quota(paused, resumed, why):
    in_new_york = plan(time_zone="America/New_York")
    at = datetime.fromisoformat(paused)
    assert resume_at(in_new_york, at, quota_day(in_new_york, at)) == datetime.fromisoformat(resumed), why


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ([], "must be an object"),
        ({"plan": "fast", "started_on": "2026-01-01"}, "plan"),
        ({"plan": [], "started_on": "2026-01-01"}, "plan"),
        ({"plan": [500, -1], "started_on": "2026-01-01"}, "plan"),
        ({"plan": [True], "started_on": "2026-01-01"}, "plan"),
        ({"plan": "standard"}, "started_on"),
        ({"started_on": 20260101}, "started_on"),
        ({"started_on": "2026-13-01"}, "started_on"),
        ({"started_on": "2026-01-01", "time_zone": "Tokyo"}, "time_zone"),
        ({"started_on": "2026-01-01", "time_zone": 9}, "time_zone"),
        ({"started_on": "2026-01-01", "daily_limit": 0}, "daily_limit"),
        ({"started_on": "2026-01-01", "daily_limit": "many"}, "daily_limit"),
        ({"started_on": "2026-01-01", "day_length": "PT0S"}, "day_length"),
        ({"started_on": "2026-01-01", "day_length": "P2D"}, "day_length"),
        ({"started_on": "2026-01-01", "day_length": "2026-01-01"}, "day_length"),
        ({"started_on": "2026-01-01", "day_length": 60}, "day_length"),
        ({"started_on": "2026-01-01", "limit": 3}, "limit"),
    ],
)
def test_a_wrong_entry_names_the_domain_and_the_field(entry, field):
    with pytest.raises(QuotaError) as caught:
        parse_plan("d.example", entry)
    assert "'d.example'" in str(caught.value)
    assert field in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "{", "[]", "3", '"x"'])
def test_a_variable_that_is_no_object_is_refused_with_an_example(value):
    with pytest.raises(InvalidInput, match="ses_warmup_quota"):
        parse_quota_variable(value)


def test_a_missing_entry_names_the_domain():
    with pytest.raises(QuotaError, match=r"other\.example"):
        QuotaPlans.parse('{"d.example": {}}')["other.example"]


ENTRY = {"plan": [7], "started_on": "2026-03-01"}
#: One domain, as people write it: U-label and A-label, case, the root's dot, decomposed, wide, IDNA's other full stops.
SPELLINGS = (
    *("münchen.example", "xn--mnchen-3ya.example", "MÜNCHEN.Example", "XN--MNCHEN-3YA.EXAMPLE", "münchen.example."),
    *(
        "mu\u0308nchen.example",
        " xn--mnchen-3ya.example. ",
        "ｍünchen.example",
        "münchen\u3002example",
        "münchen.example\uff0e",
    ),
)


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_plan_is_found_however_its_domain_is_written(written):
    sender = parse_sender(f"News <news@{SPELLINGS[0]}>")
    assert QuotaPlans.parse({written: ENTRY})[sender.domain].steps == (7,)
    assert domain_key(written) == sender.domain


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SPELLINGS, 2)))
def test_two_entries_of_one_domain_are_an_error_that_names_both(one, other):
    plans = QuotaPlans.parse({one: ENTRY, other: {**ENTRY, "plan": [8]}, "b.example": ENTRY})
    with pytest.raises(QuotaError) as caught:
        plans["xn--mnchen-3ya.example"]
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)
    assert plans["b.example"].steps == (7,), "a mistake at one domain stops no other"


def test_what_stands_twice_in_the_json_is_an_error_and_not_the_last_one():
    twice = '"a.example": {}, "a.example": {}, "b.example": {"daily_limit": 1, "daily_limit": 2}'
    plans = QuotaPlans.parse("{" + twice + "}")
    with pytest.raises(QuotaError, match=r"several entries: 'a\.example', 'a\.example'"):
        plans["a.example"]
    with pytest.raises(QuotaError, match="daily_limit: the field stands there more than once"):
        plans["b.example"]


@pytest.mark.parametrize(
    "name", ["not a domain", "news@shop.example", "https://shop.example", "-shop.example", "1.2.3.4"]
)
def test_an_entry_that_is_no_domain_name_says_so(name):
    plans = QuotaPlans.parse({name: ENTRY})
    with pytest.raises(QuotaError, match="this is not a domain name"):
        plans[next(iter(plans.entries))]


@given(st.text(alphabet="abzßéüİıσςあ漢한ﬁ.-。", min_size=1, max_size=20))
def test_the_key_of_a_domain_does_not_depend_on_how_its_letters_are_composed(text):
    keys = {domain_key(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert len(keys) == 1
    assert {domain_key(key) for key in keys} == keys


def test_a_plan_led_by_the_reputation_begins_at_its_level_and_a_guard_keeps_its_calendar():
    led = plan(plan="reputation", start_level=3, max_level=9, shadow=True)
    assert led.led_by_reputation
    assert (led.allotment(1), led.allotment(40)) == (2_000, 2_000)
    assert (led.reputation.start_level, led.reputation.max_level, led.reputation.shadow) == (3, 9, True)
    guarded = plan(guard=True)
    assert not guarded.led_by_reputation
    assert guarded.reputation.guard
    assert guarded.allotment(3) == 2_000
    assert plan().reputation is None
    assert plan(guard=False).reputation is None


@pytest.mark.parametrize(
    ("entry", "field", "words"),
    [
        ({"plan": "reputation", "start_level": 0}, "start_level", "a level from 1 to 20, not 0"),
        ({"plan": "reputation", "max_level": 21}, "max_level", "a level from 1 to 20, not 21"),
        ({"plan": "reputation", "max_level": "5"}, "max_level", "a level from 1 to 20, not '5'"),
        ({"plan": "reputation", "start_level": True}, "start_level", "a level from 1 to 20"),
        ({"plan": "reputation", "start_level": 5, "max_level": 4}, "max_level", "must be 5 or more"),
        ({"plan": "reputation", "shadow": "yes"}, "shadow", "must be true or false, not 'yes'"),
        ({"plan": "reputation", "guard": True}, "guard", "needs no guard"),
        ({"guard": 1}, "guard", "must be true or false, not 1"),
        ({"shadow": True}, "shadow", "only holds with"),
        ({"max_level": 5}, "max_level", "only holds with"),
        ({"guard": True, "start_level": 2}, "start_level", "only holds with"),
        ({"plan": "Reputation"}, "plan", 'must be "standard", "reputation" or a list'),
    ],
)
def test_what_is_wrong_with_a_reputation_is_said_with_its_field(entry, field, words):
    with pytest.raises(QuotaError, match=words) as raised:
        plan(**entry)
    assert raised.value.field == field
