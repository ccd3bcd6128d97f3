"""`ses message list` and `ses message show ID`: single messages of the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.single_mail import FAILED, SENT, SUPPRESSED, WAITING, SingleMail, said

ANN, BEN = "ann@shop.example", "ben@shop.example"


@pytest.fixture
def mail(world):
    return SingleMail(world.conn)


def test_messages_are_listed_and_narrowed(ses, mail):
    old = mail.message((ANN, FAILED), tags=["code"], reference="login-1", ago=timedelta(days=2))
    new = mail.message((BEN, SENT), (ANN, SENT))
    assert [one["id"] for one in ses("message", "list", "--json").json] == [str(new), str(old)]
    for narrowed in (["--status", "failed"], ["--tag", "code"], ["--reference", "login-1"], ["--to", "2026-01-01"]):
        expected = [] if narrowed[0] == "--to" else [str(old)]
        assert [one["id"] for one in ses("message", "list", "--json", *narrowed).json] == expected
    answer = ses("message", "list", "--limit", "1")
    assert f"{BEN} +1" in answer.out
    assert "there are more than 1" in answer.err
    assert "550 5.1.1 unknown user" in ses("message", "list", "--address", ANN).out
    assert "No single message fits." in ses("message", "list", "--domain", "other.example").out


def test_a_message_is_shown_with_its_timeline(ses, mail):
    one = mail.message((ANN, SENT), (BEN, SUPPRESSED), cc=1)
    shown = ses("message", "show", one, "--json").json
    assert [(each["kind"], each["status"]) for each in shown["recipients"]] == [("to", "sent"), ("cc", "suppressed")]
    assert [entry["kind"] for entry in shown["timeline"]] == ["accepted", "sent", "suppressed"]
    text = ses("message", "show", one).out
    assert "250 2.0.0 queued" in text
    assert "hard bounce" in text


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("0193a000-0000-7000-8000-000000000000", "there is no message named"),
        ("x", "is no key of a message"),
        ("1.1", "there is no message named"),
    ],
)
def test_what_is_not_there_is_said(ses, mail, key, words):
    answer = ses("message", "show", key)
    assert answer.code == 1 or answer.code == 2
    assert words in answer.err


def test_trigger_mail_is_counted_apart(ses, mail):
    mail.counted(30)
    (row,) = ses("stats", "--by", "kind", "--days", "3", "--json").json["rows"]
    assert (row["kind"], row["accepted"]) == ("trigger", 30)
    assert ses("stats", "--mail", "bulk", "--json").json["rows"] == []
    assert ses("stats", "--mail", "trigger", "--by", "kind,mailbox_provider", "--json").json["total"]["accepted"] == 30


def test_a_message_is_sent_again(ses, mail, airflow):
    first = mail.message((ANN, FAILED), content=said(ANN).stored)
    answer = ses("message", "resend", first, "--json")
    assert answer.json["repeats"] == str(first)
    assert ses("message", "show", answer.json["id"], "--json").json["status"] == "scheduled"
    assert "being sent again already" in ses("message", "resend", first).err
    assert "is no id of a single message" in ses("message", "resend", "12.3").err
    assert "resend_message" in str(airflow.audited[0])


def test_a_message_is_cancelled_before_its_time(ses, mail):
    waits = mail.message((ANN, WAITING), scheduled=True)
    assert ses("message", "cancel", waits, "--json").json == {"id": str(waits), "changed": True}
    assert "already" in ses("message", "cancel", waits).out
    assert ses("message", "show", waits, "--json").json["status"] == "cancelled"
    assert ses("message", "cancel", mail.message((ANN, SENT))).code == 1


def test_what_an_address_got_has_the_ids_of_single_messages(ses, mail):
    mail.message((BEN, SENT))
    one = mail.message((BEN, SENT), (ANN, FAILED))
    (row,) = ses("message", "find", ANN, "--json").json
    assert (row["single_message"], row["task_type"]) == (str(one), "api")
    assert str(one) in ses("message", "find", ANN).out
