"""The form of `ses_test_send`: what it lets through is sent at once, what it refuses never becomes a run."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest

from tests.integration.sending_world import quota

FORM = {
    "template": "hello",
    "sender": "Example <news@mail.example.com>",
    "recipients": ["ann@customers.example", "bob@customers.example"],
    "values": {"name": "Ann"},
}


def test_each_address_of_the_form_gets_the_mail(world, mail_server, run_dag):
    outcome = run_dag("ses_test_send", conf=FORM)
    assert outcome.state == "success"
    assert dict(mail_server.accepted) == dict.fromkeys(FORM["recipients"], 1)
    mail = message_from_bytes(mail_server.contents["ann@customers.example"], policy=default)
    assert "Dear Ann" in mail.get_body().get_content()


def test_it_can_be_exactly_the_mail_of_a_task(world, mail_server, run_dag):
    of_task = {
        "reply_to": "ask@example.com",
        "unsubscribe_url": "https://shop.example.com/u?n={{ name }}",
        "advertisement": "before",
        "subject": "Spring, {{ name }}",
    }
    assert run_dag("ses_test_send", conf={**FORM, **of_task}).state == "success"
    mail = message_from_bytes(mail_server.contents["ann@customers.example"], policy=default)
    assert mail["Reply-To"] == "ask@example.com"
    assert mail["List-Unsubscribe"] == "<https://shop.example.com/u?n=Ann>"
    assert mail["Subject"] == "[AD] Spring, Ann"


def test_over_the_quota_it_fails_and_sends_nothing(world, mail_server, run_dag, set_quota):
    set_quota(quota(1))
    assert run_dag("ses_test_send", conf=FORM).state == "failed"
    assert mail_server.total == 0


@pytest.mark.parametrize(
    "change",
    [
        {"template": "no-such-template"},
        {"recipients": []},
        {"recipients": [f"a{n}@customers.example" for n in range(21)]},
        {"recipients": ["not an address"]},
        {"subject": "two\nlines"},
        {"subject": "x" * 999},
        {"sender": "nobody"},
        {"values": "name=Ann"},
        {"recipients": None},
        {"advertisement": "everywhere"},
        {"reply_to": 5},
    ],
    ids=lambda change: f"{next(iter(change))}",
)
def test_the_api_refuses_a_bad_form_with_a_400(api, synced, world, change):
    form = {**FORM, **change}
    answer = api.post("/api/v2/dags/ses_test_send/dagRuns", json={"logical_date": None, "conf": form})
    assert answer.status_code == 400, answer.text
    assert next(iter(change)) in answer.text


def test_the_api_takes_a_good_form(api, synced, world):
    answer = api.post("/api/v2/dags/ses_test_send/dagRuns", json={"logical_date": None, "conf": FORM})
    assert answer.status_code == 200, answer.text
