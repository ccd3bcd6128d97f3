"""Bounces, complaints and unsubscribing by mail, delivered to the listener by a client that speaks SMTP or LMTP."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ses_ops.application.ports import Actor
from ses_ops.application.record_events import keep_unmatched
from ses_ops.application.report_mails import reread_mails
from ses_ops.errors import Explanation
from ses_ops.events.tokens import Purpose
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.bounce_process import BounceProcess, pipe
from tests.integration.public.conftest import Recipients

DOMAIN = "bounces.shop.example"


@pytest.fixture
def listener(ses_dsn, tmp_path) -> Iterator[BounceProcess]:
    listener = BounceProcess(dsn=ses_dsn, spool=tmp_path / "spool")
    listener.start()
    yield listener
    listener.kill()


class Back(Recipients):
    """A mailing, and the listener that its bounces come to."""

    def wait(self) -> None:
        """An answer of this listener comes after PostgreSQL's."""


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["Ann@example.org", "bob@example.net", "cy@example.org"])


@pytest.fixture
def back(mailing, listener) -> Back:
    return Back(mailing=mailing, listener=listener, client=None)  # type: ignore[arg-type]


def bounce_address(back: Back, seq: int) -> str:
    return f"b-{back.token(seq, purpose=Purpose.BOUNCE)}@{DOMAIN}"


def report(
    to: str, address: str, *, action: str = "failed", status: str = "5.1.1", words: str = "550 5.1.1 no"
) -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example.org\r\nTo: <{to}>\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Date: Sat, 28 Nov 2026 10:11:12 +0000\r\nMessage-ID: <1@mx.example.org>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
        "--x\r\n\r\nSorry.\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n--x--\r\n"
    ).encode()


def unmatched(back: Back) -> list[tuple[str, str]]:
    return back.mailing.world.rows("SELECT source, why_explained->>'code' FROM unmatched_event ORDER BY id")


def test_a_hard_bounce_suppresses_the_address_of_the_ledger(back) -> None:
    to = bounce_address(back, 1)
    assert back.listener.deliver(to, report(to, "ann@example.org"))[0] == 250
    assert back.events() == [(1, "bounced", "bounce_mail")]
    assert back.suppressed() == [("Ann@example.org", "", "hard_bounce")]
    stored = back.mailing.world.rows("SELECT hard, reason, status, diagnostic FROM message_event")
    assert stored == [(True, "no-such-address", "5.1.1", "smtp; 550 5.1.1 no")]


def test_a_mail_that_comes_twice_is_one_event(back) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "ann@example.org")
    for copy in (mail, b"Received: by another.example\r\n" + mail, mail.replace(b"\r\n", b"\n")):
        assert back.listener.deliver(to.upper().replace("B-", "b-"), copy)[0] == 250
    assert back.events() == [(1, "bounced", "bounce_mail")]


@pytest.mark.parametrize(
    ("action", "status", "words", "kinds"),
    [
        ("delayed", "4.4.1", "connect: timed out", ["deferred"]),
        ("delivered", "2.0.0", "250 ok", ["delivered"]),
        ("relayed", "2.0.0", "250 2.0.0 Ok: queued", []),
        ("failed", "5.7.1", "550 5.7.1 blocked by policy", ["bounced"]),
        ("failed", "5.2.2", "552 5.2.2 mailbox full", ["bounced"]),
    ],
)
def test_what_is_not_about_the_address_suppresses_nobody(back, action, status, words, kinds) -> None:
    to = bounce_address(back, 2)
    assert back.listener.deliver(to, report(to, "bob@example.net", action=action, status=status, words=words))[0] == 250
    assert [kind for _, kind, _ in back.events()] == kinds
    assert back.suppressed() == []
    assert unmatched(back) == []


def test_mail_to_anything_but_a_valid_token_is_refused(back) -> None:
    token = back.token(1, purpose=Purpose.BOUNCE)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (f"b-{forged}", f"u-{token}", "postmaster", f"b-{token}0", "b-"):
        assert back.listener.deliver(f"{wrong}@{DOMAIN}", report("x@y.example", "ann@example.org"))[0] == 550
    for _ in range(600):
        if back.mailing.world.rows("SELECT refused FROM event_feed WHERE source = 'bounce_mail'") == [(5,)]:
            break
        time.sleep(0.1)
    else:
        pytest.fail("what was refused is not counted")
    assert back.events() == []


def test_a_report_of_another_address_is_set_aside(back) -> None:
    to = bounce_address(back, 1)
    assert back.listener.deliver(to, report(to, "bob@example.net"))[0] == 250
    assert back.events() == []
    assert back.suppressed() == []
    assert unmatched(back) == [("bounce_mail", "report_names_another_address")]


def test_a_forwarded_mail_counts_for_the_address_it_was_sent_to(back) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "next@elsewhere.example").replace(
        b"\r\n--x--", b"\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\nTo: Ann@example.org\r\n\r\n--x--"
    )
    assert back.listener.deliver(to, mail)[0] == 250
    assert back.suppressed() == [("Ann@example.org", "", "hard_bounce")]


def test_a_mail_to_the_unsubscribe_address_unsubscribes_its_recipient(back) -> None:
    to = f"u-{back.token(2)}@{DOMAIN}"
    mail = f"From: somebody@else.example\r\nTo: {to}\r\nSubject: unsubscribe\r\n\r\n".encode()
    assert back.listener.deliver(to, mail, sender="somebody@else.example")[0] == 250
    assert [(seq, kind, source) for seq, kind, source in back.events()] == [(2, "unsubscribed", "unsubscribe_mail")]
    ((address, scope, reason),) = back.suppressed()
    assert (address, reason) == ("bob@example.net", "unsubscribe")
    assert scope


def test_a_complaint_suppresses_for_all_mail(back) -> None:
    to = bounce_address(back, 3)
    mail = (
        f"From: fbl@mailbox.example\r\nTo: fbl@shop.example\r\nSubject: complaint\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: f/1\r\n"
        f"\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <{to}>\r\nTo: redacted\r\n\r\nHello\r\n--x--\r\n"
    ).encode()
    assert back.listener.deliver(to, mail)[0] == 250
    assert back.events() == [(3, "complained", "feedback_report")]
    assert back.suppressed() == [("cy@example.org", "", "complaint")]


def test_an_automatic_reply_says_nothing_and_a_strange_mail_is_kept(back) -> None:
    to = bounce_address(back, 1)
    assert (
        back.listener.deliver(to, f"From: a@b.example\r\nTo: {to}\r\nSubject: Out of office\r\n\r\nAway.".encode())[0]
        == 250
    )
    assert unmatched(back) == []
    assert back.listener.deliver(to, b"\xff\xfe\x00 rubbish \r\n")[0] == 250
    assert unmatched(back) == [("bounce_mail", "mail_not_understood")]
    assert back.events() == []


def test_a_mail_in_a_loop_and_a_mail_too_large_are_refused(back) -> None:
    to = bounce_address(back, 1)
    assert back.listener.deliver(to, b"Received: by x\r\n" * 60 + report(to, "ann@example.org"))[0] == 554
    assert back.listener.deliver(to, b"a" * 76 + b"\r\n" + (b"b" * 76 + b"\r\n") * 150_000)[0] == 552
    assert back.events() == []


def test_lmtp_answers_for_each_recipient(back, ses_dsn, tmp_path) -> None:
    listener = BounceProcess(dsn=ses_dsn, spool=tmp_path / "spool", arguments=["--lmtp"])
    listener.start()
    try:
        both = [bounce_address(back, 1), bounce_address(back, 2)]
        with listener.client() as client:
            client.mail("")
            assert [client.rcpt(one)[0] for one in both] == [250, 250]
            assert client.data(report(both[0], "ann@example.org"))[0] == 250
            assert client.getreply()[0] == 250
            assert client.noop()[0] == 250
    finally:
        listener.kill()
    assert back.events() == [(1, "bounced", "bounce_mail")]
    assert unmatched(back) == [("bounce_mail", "report_names_another_address")]


def test_a_pipe_reads_a_mail_once_and_asks_to_try_again_while_the_database_is_away(back, ses_dsn, tmp_path) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "ann@example.org")
    home = {"HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), "SES_HOME": str(tmp_path)}
    for _ in range(2):
        done = pipe(ses_dsn, ["read", "-"], mail, **home)
        assert done.returncode == 0, done.stderr
    assert back.events() == [(1, "bounced", "bounce_mail")]
    away = pipe("postgresql://127.0.0.1:1/none", ["read", "-"], mail, **home)
    assert away.returncode == 75, away.stderr
    # Any other code would make the mail server drop what nobody has kept.
    wrong = pipe("no address of a database", ["read", "-"], mail, **home)
    assert wrong.returncode == 75, wrong.stderr


def test_mails_that_found_no_message_are_read_again(back, ses_dsn, tmp_path) -> None:
    to = bounce_address(back, 1)
    mail = report(to, "ann@example.org")
    keep_unmatched(
        back.mailing.world.conn, source="bounce_mail", source_id="1", raw=mail, why=Explanation("mail_not_understood")
    )
    done = reread_mails(back.mailing.world.conn, Actor(name="ann"))
    assert (done.read, done.understood) == (1, 1)
    assert back.events() == [(1, "bounced", "bounce_mail")]
    assert back.mailing.world.rows("SELECT closed_by FROM unmatched_event") == [("ann",)]
    assert reread_mails(back.mailing.world.conn, Actor(name="ann")).read == 0
