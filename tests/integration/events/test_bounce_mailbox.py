"""The bounce mailbox on a real IMAP server: what it says is stored before it leaves, and nothing is in the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ses_ops.airflow_connection import read_connection
from ses_ops.application.bounce_mailbox import read_mailbox
from ses_ops.errors import ConnectionProblem
from ses_ops.events.imap_mailbox import ImapMailbox, MailboxSettings, MailboxUnavailable
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.events.dovecot import Dovecot
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.test_bounces import DOMAIN, report
from tests.servers.not_run import NotRun

READ, UNREAD = "Read by ses-ops", "Not understood by ses-ops"


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory) -> Iterator[Dovecot]:
    try:
        server = Dovecot(tmp_path_factory.mktemp("dovecot"))
    except NotRun as cause:
        pytest.skip(str(cause))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["Ann@example.org", "bob@example.net", "cy@example.org"])


@pytest.fixture
def mailbox(dovecot) -> Iterator[MailboxSettings]:
    uri = f"imap://bounces:secret@127.0.0.1:{dovecot.port}/?tls=none"
    yield MailboxSettings.of(read_connection(uri, "the test"))
    with dovecot.client() as client:
        for folder in ("INBOX", READ, UNREAD):
            if dovecot.count(folder):
                client.select(f'"{folder}"')
                client.store("1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()


def bounce(mailing: Mailing, seq: int, address: str) -> bytes:
    secret = token_secrets(mailing.world.conn)[0]
    mailing.world.conn.rollback()
    key = mailing.key(seq)
    token = TokenMaker(secret, Purpose.BOUNCE).make(key.occurrence_id, key.seq, key.address_check)
    to = f"b-{token}@{DOMAIN}"
    return f"Delivered-To: {to}\r\n".encode() + report("bounces@shop.example", address)


def bounced(mailing: Mailing) -> list[int]:
    return [seq for (seq,) in mailing.world.rows("SELECT seq FROM message_event WHERE kind = 'bounced' ORDER BY seq")]


def read(mailing: Mailing, mailbox: MailboxSettings):
    with ImapMailbox(mailbox) as opened:
        return read_mailbox(mailing.world.conn, opened)


def test_mails_are_stored_and_moved(mailing, mailbox, dovecot) -> None:
    dovecot.add(bounce(mailing, 1, "ann@example.org"), b"From: a@b.example\r\nSubject: hello\r\n\r\nA person.\r\n")
    dovecot.add(bounce(mailing, 2, "bob@example.net"), b"From: a@b.example\r\nSubject: Out of office\r\n\r\nAway.\r\n")
    done = read(mailing, mailbox)
    assert (done.mails, done.new, done.unmatched, done.ignored) == (4, 2, 1, 1)
    assert bounced(mailing) == [1, 2]
    assert [dovecot.count(folder) for folder in ("INBOX", READ, UNREAD)] == [0, 3, 1]
    assert read(mailing, mailbox).mails == 0


def test_a_run_that_dies_between_storing_and_moving_is_one_event(mailing, mailbox, dovecot, monkeypatch) -> None:
    dovecot.add(bounce(mailing, 1, "ann@example.org"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ImapMailbox, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            read(mailing, mailbox)
    mailing.world.conn.rollback()
    assert dovecot.count("INBOX") == 1
    done = read(mailing, mailbox)
    assert (done.new, done.repeated) == (0, 1)
    assert bounced(mailing) == [1]
    assert dovecot.count("INBOX") == 0


def test_a_renumbered_mailbox_is_read_as_before(mailing, mailbox, dovecot) -> None:
    dovecot.add(bounce(mailing, 1, "ann@example.org"))
    read(mailing, mailbox)
    dovecot.renumber()
    dovecot.add(bounce(mailing, 1, "ann@example.org"), bounce(mailing, 3, "cy@example.org"))
    done = read(mailing, mailbox)
    assert (done.mails, done.new, done.repeated) == (2, 1, 1)
    assert bounced(mailing) == [1, 3]


def test_rubbish_and_a_large_mail_are_in_nobodys_way(mailing, mailbox, dovecot) -> None:
    large = bounce(mailing, 1, "ann@example.org") + (b"x" * 76 + b"\r\n") * 60_000
    dovecot.add(b"\xff\xfe rubbish \r\n", large, bounce(mailing, 2, "bob@example.net"))
    read(mailing, mailbox)
    assert bounced(mailing) == [1, 2]
    assert [dovecot.count(folder) for folder in ("INBOX", READ, UNREAD)] == [0, 2, 1]


def test_mails_that_were_read_can_be_deleted(mailing, mailbox, dovecot) -> None:
    uri = f"imap://bounces:secret@127.0.0.1:{dovecot.port}/?tls=none&read_folder="
    dovecot.add(bounce(mailing, 1, "ann@example.org"))
    done = read(mailing, MailboxSettings.of(read_connection(uri, "the test")))
    assert done.new == 1
    assert [dovecot.count(folder) for folder in ("INBOX", READ)] == [0, 0]


def test_a_mailbox_that_cannot_be_read_says_so_without_its_password(mailing, dovecot) -> None:
    uri = f"imap://bounces:wrong-password@127.0.0.1:{dovecot.port}/?tls=none"
    with pytest.raises(MailboxUnavailable) as caught, ImapMailbox(MailboxSettings.of(read_connection(uri, "here"))):
        pass
    assert "cannot be read" in str(caught.value)
    assert "wrong-password" not in str(caught.value)


@pytest.mark.parametrize("uri", ["imap://", "imap://mail.example/?tls=perhaps", "imap://mail.example/?unread_folder="])
def test_a_connection_that_cannot_be_right_is_refused(uri) -> None:
    with pytest.raises(ConnectionProblem):
        MailboxSettings.of(read_connection(uri, "the test"))
