"""A person who is erased is in no single message any more: neither in what it says, nor in what programs called it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ses_ops.application.erasure import erase
from ses_ops.application.single_messages.find import find, search
from ses_ops.domain.address import parse_address
from ses_ops.domain.single_message import read_stored
from ses_ops.domain.single_message_status import SingleMessageStatus as Status
from ses_ops.storage.single_messages import finding
from tests.actors import ANYBODY
from tests.integration.storage.audience.test_erasure import stored_of
from tests.single_mail import FAILED, SENT, WAITING, SingleMail, said

ANN, BEN = "Ann+shop@Shop.example", "ben@shop.example"
KEY = ANN.lower()


@pytest.fixture
def mail(world):
    return SingleMail(world.conn)


def content(world, one):
    kept = finding.content(world.conn, one)
    world.conn.rollback()
    return kept


def test_nothing_of_a_message_names_the_person_and_that_it_was_sent_stays(world, mail):
    sent = mail.message(
        (ANN, FAILED), content=said(ANN).stored, subject=f"Hello {ANN}", reference=f"login-{KEY}", tags=[KEY, "code"]
    )
    other = mail.message((BEN, SENT), content=said(BEN).stored, reference="order-7")
    answer = {"id": str(sent), "recipients": [{"address": ANN}, {"address": BEN}]}
    world.execute(
        "INSERT INTO idempotent_request (key_id, idempotency_key, fingerprint, kept_until, status, answer)"
        " VALUES ('AKIDtest', 'k', 'x', now() + interval '1 hour', 202, %s)",
        json.dumps(answer),
    )
    world.execute("INSERT INTO address_rate VALUES (%s, 'mail.example.com', ARRAY[now()])", KEY)
    done = erase(world.conn, ANYBODY, parse_address(ANN))
    assert stored_of(world, KEY) == []
    assert content(world, sent) is None
    assert content(world, other) is not None
    view = find(world.conn, sent)
    assert (view.status, view.row.subject, view.row.reference, view.row.tags) == (Status.FAILED, "", None, ("code",))
    assert [one.address for one in view.recipients] == [done.person]
    assert world.rows("SELECT answer -> 'recipients' -> 1 ->> 'address' FROM idempotent_request") == [(BEN,)]
    assert [one.id for one in search(world.conn, domains=None, address=ANN).messages] == [sent]
    world.conn.rollback()
    assert erase(world.conn, ANYBODY, parse_address(ANN)).messages == 0


def test_a_message_that_waits_goes_to_the_others_and_is_cancelled_without_any(world, mail):
    people = {"to": (parse_address(ANN), parse_address(BEN)), "cc": (parse_address("c@c.example"),)}
    both = replace(said(ANN, shared=True), **people).stored
    alone = mail.message((ANN, WAITING), scheduled=True, content=said(ANN).stored)
    shared = mail.message((ANN, WAITING), (BEN, WAITING), ("c@c.example", WAITING), cc=1, scheduled=True, content=both)
    unreadable = mail.message((ANN, WAITING), (BEN, WAITING), scheduled=True, content=b"\xff" + KEY.encode())
    erase(world.conn, ANYBODY, parse_address(ANN))
    assert stored_of(world, KEY) == []
    assert find(world.conn, alone).status == Status.CANCELLED
    assert find(world.conn, unreadable).status == Status.CANCELLED
    view = find(world.conn, shared)
    assert view.status == Status.SCHEDULED
    assert [(one.address, one.kind) for one in view.recipients] == [(BEN, "to"), ("c@c.example", "cc")]
    assert [address.key for _, address in read_stored(content(world, shared)).recipients] == [BEN, "c@c.example"]
    assert content(world, alone) is None
    assert content(world, unreadable) is None


def test_the_mail_of_others_who_still_wait_can_be_made(world, mail):
    """Of a mail that several people get: the ledger has the hash at once, the content stays for the others."""
    one = mail.message((ANN, SENT), (BEN, WAITING), content=said(ANN).stored)
    done = erase(world.conn, ANYBODY, parse_address(ANN))
    assert content(world, one) is not None
    assert [each.address for each in find(world.conn, one).recipients] == [done.person, BEN]
    world.execute("UPDATE message SET state = 'sent' WHERE address_key = %s", BEN)
    world.execute("UPDATE chunk SET pending = 0, sent = 2, state = 'settled'")
    erase(world.conn, ANYBODY, parse_address(ANN))
    assert content(world, one) is None
