"""Mails that nobody should send: each is recorded or kept, and none is an exception or blocks what comes behind it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.application.bounce_mailbox import read_mailbox
from ses_ops.application.report_mails import read_mails
from ses_ops.events import report_records
from ses_ops.events.imap_mailbox import ImapMailbox, MailboxSettings
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.events.mailing import Mailing, sent
from tests.integration.events.odd_imap import OddImap, serving
from tests.integration.events.test_bounce_mailbox import READ, UNREAD, bounce, bounced
from tests.integration.public.test_bounces import DOMAIN, report

#: What PostgreSQL or Python do not take for text, plainly and in the encodings of mail.
JUNK = [
    *(b"\0", b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\x1b$B", b"\r", b"\n", b"\r\n\r\n"),
    *(b"=?utf-8?q?=00=ed=a0=80?=", b"=?utf-7?b?K0FBQS0=?=", b"=?utf-7?q?+2AA-?=", b"=?utf-16?b?ANg=?="),
    *(b"=?unicode-escape?q?=5Cud800?=", b"=?unicode_escape?q?=5Cx00?=", b"=?idna?q?a?=", b"=?hex?q?a?="),
    *(b"; charset=unicode-escape", b"; charset=utf-7", b"; charset=undefined", b"; charset=\0", b"; boundary=\xff"),
    b"\r\nDate: Fri, 31 Dec 9999 23:59:59 -2359\r\n",
    b"\r\nDate: Mon, 1 Jan 0001 00:00:00 +2359\r\n",
]


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["ann1@example.org", "ann2@example.org"])


def address(mailing: Mailing, purpose: Purpose) -> str:
    secret = token_secrets(mailing.world.conn)[0]
    mailing.world.conn.rollback()
    key = mailing.key(1)
    token = TokenMaker(secret, purpose).make(key.occurrence_id, key.seq, key.address_check)
    return f"{'b' if purpose is Purpose.BOUNCE else 'u'}-{token}@{DOMAIN}"


def mails(mailing: Mailing) -> list[tuple[str, bytes]]:
    """A report, a complaint, and a wish for no more mail, with the address that each comes to."""
    back, leave = address(mailing, Purpose.BOUNCE), address(mailing, Purpose.UNSUBSCRIBE)
    complaint = (
        'From: f@x.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--x\r\n"
        f"Content-Type: message/rfc822\r\n\r\nReturn-Path: <{back}>\r\nTo: r\r\n\r\nHello\r\n--x--\r\n"
    )
    wish = f"From: a@x.example\r\nTo: <{leave}>\r\nSubject: unsubscribe\r\n\r\nPlease.\r\n"
    return [(back, report(back, "ann1@example.org")), (back, complaint.encode()), (leave, wish.encode())]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 2),
    pieces=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(JUNK) | st.binary(max_size=6)), min_size=1, max_size=5),
)
def test_a_damaged_mail_is_recorded_or_kept(mailing, which, pieces) -> None:
    to, mail = mails(mailing)[which]
    for at, junk in pieces:
        place = int(at * len(mail))
        mail = mail[:place] + junk + mail[place:]
    done = read_mails(mailing.world.conn, [mail], came_to=[to])
    assert done.mails == 1


@pytest.mark.parametrize(
    "changed",
    [
        (b'boundary="x"', b'boundary="x=?unicode-escape?q?=5Cud800?="'),
        (b"rfc822; ann1@", b"rfc822; a=?utf-7?b?K0FBQS0=?=nn@"),
        (b"rfc822; ann1@", b"rfc822; other\0@"),
    ],
)
def test_no_mail_blocks_those_behind_it(mailing, changed) -> None:
    mail = bounce(mailing, 1, "ann1@example.org").replace(*changed)
    with serving(OddImap({1: mail, 2: bounce(mailing, 2, "ann2@example.org")})) as odd:
        read_whole(mailing, odd)
    assert 2 in bounced(mailing)
    assert (odd.mails, sorted(uid for uids in odd.moved.values() for uid in uids)) == ({}, [1, 2])


def test_a_fault_of_our_own_reader_blocks_nothing(mailing, monkeypatch) -> None:
    read = report_records.read_for_each

    def faulty(raw, envelopes):
        if b"poison" in raw:
            raise RecursionError
        return read(raw, envelopes)

    monkeypatch.setattr(report_records, "read_for_each", faulty)
    poison = bounce(mailing, 1, "ann1@example.org").replace(b"Sorry.", b"poison")
    with serving(OddImap({1: poison, 2: bounce(mailing, 2, "ann2@example.org")})) as odd:
        read_whole(mailing, odd)
    assert odd.moved == {READ: [2], UNREAD: [1]}
    assert mailing.world.rows("SELECT why_explained->>'code' FROM unmatched_event") == [("mail_not_understood",)]


def read_whole(mailing: Mailing, odd: OddImap) -> None:
    with ImapMailbox(
        MailboxSettings(source="test", host="127.0.0.1", port=odd.port, login="b", password="s", tls="none")
    ) as box:
        read_mailbox(mailing.world.conn, box)
