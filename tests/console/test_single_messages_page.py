"""Single messages in the console: the list, what narrows it, and the page of one with its timeline."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.console.console_world import visible_text
from tests.single_mail import FAILED, SENT, SUPPRESSED, UNKNOWN, WAITING, SingleMail, said

ANN, BEN = "ann@shop.example", "ben@shop.example"


@pytest.fixture
def mail(world):
    world.execute(
        "INSERT INTO api_key (id, name, scopes, domains, secret_hash, secret_box)"
        " VALUES ('AKIDtest', 'shop', '{send}', '{*}', '', '')"
    )
    return SingleMail(world.conn)


def test_before_the_first_message_the_page_says_what_is_missing(world, viewer):
    assert "No program has sent mail yet." in viewer.text("/messages")
    assert "There are no more messages." in viewer.text("/messages?cursor=1.0193a000-0000-7000-8000-000000000000")


def test_the_list_has_the_newest_first_with_the_servers_words(mail, viewer):
    old = mail.message((ANN, FAILED), subject="Your code {{ code }}", reference="login-1", tags=["code"])
    mail.message((BEN, SENT), (ANN, SENT), ago=timedelta(minutes=1), subject="")
    page = viewer.get("/messages")
    text = viewer.text("/messages")
    assert text.index(BEN) < text.index("Your code {{ code }}")
    assert "and 1 more" in text
    assert "550 5.1.1 unknown user" in text
    assert "login-1" in text
    assert "mail.example.com · shop" in text
    assert f'href="/ses/messages/{old}"' in page.text


def test_each_field_narrows_the_list_and_stays_filled_in(mail, viewer):
    mail.message((ANN, FAILED), reference="login-1", tags=["code"])
    mail.message((BEN, SENT), reference="order-2", tags=["receipt"], domain="shop.example.net", key_id="AKIDnone")
    for query in ("address=ANN@shop.example", "reference=login-1", "tag=code", "status=failed", "key=AKIDtest"):
        text = viewer.text(f"/messages?{query}")
        assert ANN in text, query
        assert BEN not in text, query
    assert ANN not in viewer.text("/messages?domain=shop.example.net")
    assert 'value="login-1"' in viewer.get("/messages?reference=login-1").text
    assert "No message fits this search." in viewer.text("/messages?tag=nothing")
    assert ANN in viewer.text("/messages?status=nonsense")


@pytest.mark.parametrize(("query", "words"), [("address=nobody", "has no @"), ("cursor=x", "This is no cursor")])
def test_what_cannot_be_searched_for_is_said(mail, viewer, query, words):
    answer = viewer.get(f"/messages?{query}")
    assert answer.status_code == 422
    assert words in answer.text


def test_the_list_is_paged(mail, viewer):
    for number in range(30):
        mail.message((f"p{number:02}@shop.example", SENT), ago=timedelta(minutes=number), tags=["code"])
    first = viewer.get("/messages?tag=code").text
    assert "p00@" in first
    assert "p25@" not in first
    (link,) = [part.partition('"')[0] for part in first.split('href="') if "cursor=" in part.partition('"')[0]]
    second = viewer.get(link.replace("&amp;", "&").removeprefix("/ses")).text
    assert "p25@" in second
    assert "p24@" not in second
    assert 'href="/ses/messages?tag=code"' in second


def test_a_message_shows_each_recipient_with_what_happened(mail, viewer):
    one = mail.message((ANN, SENT), (BEN, SUPPRESSED), ("cat@shop.example", UNKNOWN), cc=1, bcc=1, template="hello")
    text = viewer.text(f"/messages/{one}")
    assert "in doubt" in text
    assert "recipient ann@shop.example sent" in text
    assert "copy (Cc) ben@shop.example suppressed" in text
    assert "blind copy (Bcc) cat@shop.example in doubt" in text
    assert "250 2.0.0 queued" in text
    assert "Template hello" in text
    assert "Key shop" in text
    assert str(one) in text


def test_a_scheduled_message_says_when_and_a_refused_one_why(mail, viewer):
    waits = mail.message((ANN, WAITING), scheduled=True)
    why = {"code": "quota_used_up", "facts": {"domain": "mail.example.com"}}
    refused = mail.message((ANN, WAITING), scheduled=True, refused=why)
    assert "to be sent" in viewer.text(f"/messages/{waits}")
    assert "scheduled" in viewer.text("/messages?status=scheduled")
    assert "refused at its time" in viewer.text(f"/messages/{refused}")


@pytest.mark.parametrize("name", ["0193a000-0000-7000-8000-000000000000", "12.3", "x", "0193a000"])
def test_a_message_that_is_not_there_is_not_found(world, viewer, name):
    assert viewer.get(f"/messages/{name}").status_code == 404


def test_nothing_of_a_message_becomes_html(mail, viewer):
    bad = "<script>steal()</script>"
    one = mail.message((ANN, ("failed", 1, 550, bad)), subject=bad, reference=bad, tags=[bad], sender=bad)
    for path in ("/messages", f"/messages/{one}"):
        page = viewer.get(path).text
        assert bad not in page
        assert "&lt;script&gt;steal()" in page


def test_who_may_not_see_what_tasks_share_sees_no_message(mail, viewer, monkeypatch):
    one = mail.message((ANN, SENT))
    monkeypatch.setattr("ses_ops.console.access.may_see_shared", lambda user: False)
    assert viewer.get("/messages").status_code == 403
    assert viewer.get(f"/messages/{one}").status_code == 403


def test_a_message_is_sent_again_after_a_question_by_who_may_send(world, mail, viewer, user):
    content = said(ANN).stored
    one = mail.message((ANN, FAILED), content=content)
    assert "Send again" not in viewer.text(f"/messages/{one}")
    assert "Send again" in user.text(f"/messages/{one}")
    assert "Send this message again?" in visible_text(user.post(f"/messages/{one}/resend").text)
    assert not world.audit_log()
    done = user.post(f"/messages/{one}/resend", confirmed="yes")
    assert done.status_code == 303
    made = done.headers["location"].removeprefix("/ses")
    text = user.text(made)
    assert "as soon as the API runs; no copy of it does now" in text
    assert "Repeat of an earlier message" in text
    assert "Sent again as message 1" in user.text(f"/messages/{one}")
    (entry,) = world.audit_log()
    assert (entry["event"], entry["extra"]["message"]) == ("ses_resend_message", str(one))
    assert ANN not in str(entry)
    again = user.post(f"/messages/{one}/resend", confirmed="yes")
    assert again.headers["location"] == f"/ses/messages/{one}"
    assert "being sent again already" in user.text(f"/messages/{one}")
    gone = mail.message((ANN, FAILED))
    assert "no longer kept" in user.text(f"/messages/{gone}")


def test_other_pages_lead_to_a_single_message_by_its_place_in_the_ledger(world, mail, viewer):
    mail.message((BEN, SENT))
    one = mail.message((ANN, FAILED), ("cat@shop.example", SENT))
    occurrence = mail.occurrence("mail.example.com")
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, occurrence_id, seq)"
        " VALUES (%s, %s, 'hard_bounce', %s, 2)",
        *(ANN, ANN, occurrence),
    )
    link = f'href="/ses/messages/{occurrence}.2"'
    assert link in viewer.get(f"/people?address={ANN}").text
    assert link in viewer.get("/suppression").text
    for seq in (2, 3):
        assert viewer.get(f"/messages/{occurrence}.{seq}").headers["location"] == f"/ses/messages/{one}"
    for nothing in (f"{occurrence}.4", "99.1", "99999999999999999999.1", "1.99999999999"):
        assert viewer.get(f"/messages/{nothing}").status_code == 404


def test_a_message_is_cancelled_before_its_time_by_who_may_send(world, mail, viewer, user):
    waits = mail.message((ANN, WAITING), scheduled=True)
    assert "Cancel the message" not in viewer.text(f"/messages/{waits}")
    assert "Cancel the message" in user.text(f"/messages/{waits}")
    assert "Cancel this message?" in visible_text(user.post(f"/messages/{waits}/cancel").text)
    user.post(f"/messages/{waits}/cancel", confirmed="yes")
    text = user.text(f"/messages/{waits}")
    assert "The message is cancelled." in text
    assert "Cancel the message" not in text
    assert [entry["event"] for entry in world.audit_log()] == ["ses_cancel_message"]
    gone = mail.message((ANN, SENT))
    user.post(f"/messages/{gone}/cancel", confirmed="yes")
    assert "The message is cancelled." not in user.text(f"/messages/{gone}")
