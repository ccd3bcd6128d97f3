"""Bounce mailboxes of servers that are not like dovecot, and of servers that fail in the middle: nothing is lost."""

from __future__ import annotations

import pytest

from ses_ops.airflow_connection import read_connection
from ses_ops.application.bounce_mailbox import read_mailbox
from ses_ops.events.imap_mailbox import ImapMailbox, MailboxSettings, MailboxUnavailable
from tests.integration.events.dovecot import Dovecot
from tests.integration.events.mailing import Mailing, sent
from tests.integration.events.odd_imap import OddImap, serving
from tests.integration.events.test_bounce_mailbox import READ, UNREAD, bounce, bounced
from tests.servers.not_run import NotRun


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", [f"ann{number}@example.org" for number in range(1, 41)])


def bounces(mailing: Mailing, *seqs: int) -> dict[int, bytes]:
    return {100 + seq: bounce(mailing, seq, f"ann{seq}@example.org") for seq in seqs}


def read(mailing: Mailing, port: int):
    settings = MailboxSettings.of(read_connection(f"imap://bounces:secret@127.0.0.1:{port}/?tls=none", "the test"))
    with ImapMailbox(settings) as opened:
        return read_mailbox(mailing.world.conn, opened)


def unmatched(mailing: Mailing) -> int:
    return mailing.world.rows("SELECT count(*)::int FROM unmatched_event")[0][0]


def test_a_server_may_write_the_uid_behind_the_mail(mailing) -> None:
    with serving(OddImap(bounces(mailing, 1, 2, 3), uid_last=True)) as odd:
        read(mailing, odd.port)
    assert bounced(mailing) == [1, 2, 3]
    assert (odd.moved, odd.mails) == ({READ: [101, 102, 103]}, {})


def test_a_server_in_trouble_has_no_mail_set_aside(mailing) -> None:
    with serving(OddImap(bounces(mailing, 1, 2), refuses_all=True)) as odd:
        with pytest.raises(MailboxUnavailable):
            read(mailing, odd.port)
        assert (odd.moved, list(odd.mails), unmatched(mailing)) == ({}, [101, 102], 0)
        odd.refuses_all = False
        read(mailing, odd.port)
    assert bounced(mailing) == [1, 2]


def test_a_mail_that_the_server_cannot_give_is_in_nobodys_way(mailing) -> None:
    with serving(OddImap(bounces(mailing, 1, 2, 3), refused=frozenset({102}))) as odd:
        read(mailing, odd.port)
    assert bounced(mailing) == [1, 3]
    assert odd.moved == {READ: [101, 103], UNREAD: [102]}


def test_a_mail_that_another_client_removes_and_an_empty_one_are_no_matter(mailing) -> None:
    with serving(OddImap(bounces(mailing, 1, 2, 3), vanish=frozenset({102}), empty=frozenset({101}))) as odd:
        done = read(mailing, odd.port)
    assert (done.mails, bounced(mailing)) == (2, [3])
    assert odd.moved == {READ: [103], UNREAD: [101]}


def test_a_mailbox_that_dies_in_the_middle_of_a_mail_goes_on_later(mailing) -> None:
    """30 mails: the second group of 20 breaks off. The first is stored and moved, the rest comes with the next run."""
    with serving(OddImap(bounces(mailing, *range(1, 31)), dies_after=25)) as odd:
        with pytest.raises(MailboxUnavailable):
            read(mailing, odd.port)
        assert (len(bounced(mailing)), len(odd.mails), unmatched(mailing)) == (20, 10, 0)
        odd.dies_after = None
        assert read(mailing, odd.port).new == 10
    assert (bounced(mailing), odd.mails) == (list(range(1, 31)), {})


def test_a_full_mailbox_is_read_though_a_list_of_its_mails_is_too_long_for_a_line(mailing) -> None:
    mails = dict.fromkeys(range(1_000_001, 1_150_001), b"Subject: Out of office\r\n\r\nAway.\r\n") | bounces(mailing, 1)
    with serving(OddImap(mails)) as odd:
        settings = MailboxSettings.of(read_connection(f"imap://b:secret@127.0.0.1:{odd.port}/?tls=none", "the test"))
        with ImapMailbox(settings) as opened:
            assert read_mailbox(mailing.world.conn, opened, most=25).mails == 25
    assert bounced(mailing) == [1]


def test_a_server_whose_own_folders_have_a_prefix(mailing, tmp_path) -> None:
    """As hosting companies set dovecot up, and as Courier and Cyrus are: a folder of any other name is refused."""
    namespace = "namespace inbox {\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}\n"
    try:
        server = Dovecot(tmp_path, namespace)
    except NotRun as cause:
        pytest.skip(str(cause))
    server.start()
    try:
        server.add(bounce(mailing, 1, "ann1@example.org"), b"From: a@b.example\r\nSubject: hello\r\n\r\nHello.\r\n")
        read(mailing, server.port)
        assert bounced(mailing) == [1]
        assert [server.count(one) for one in ("INBOX", f"INBOX.{READ}", f"INBOX.{UNREAD}")] == [0, 1, 1]
    finally:
        server.stop()
