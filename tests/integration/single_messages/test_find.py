"""Single messages are found by id, address, tag, reference, status and time; pages miss none and show none twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.application.single_messages import find as finding
from ses_ops.application.single_messages.find import find, find_by_idempotency_key, find_by_reference_id, search
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.single_message import RecipientKind
from ses_ops.domain.single_message_status import SingleMessageStatus as Status
from ses_ops.errors import InvalidInput
from tests.single_mail import FAILED, SENT, SUPPRESSED, UNKNOWN, WAITING, SingleMail

ANN, BEN, CAT = "Ann@shop.example", "ben@shop.example", "cat@shop.example"


@pytest.fixture
def mail(ses_conn):
    return SingleMail(ses_conn)


def ids(found):
    return [one.id for one in found.messages]


def test_a_message_has_its_recipients_in_their_kinds_and_with_the_servers_words(ses_conn, mail):
    mail.message(("before@shop.example", SENT))
    made = mail.message(
        (ANN, SENT), (BEN, FAILED), (CAT, SUPPRESSED), cc=1, bcc=1, reference="order-7", tags=["receipt"]
    )
    mail.message(("behind@shop.example", SENT))
    view = find(ses_conn, made)
    assert [(one.address, one.kind, one.status) for one in view.recipients] == [
        (ANN, RecipientKind.TO, Status.SENT),
        (BEN, RecipientKind.CC, Status.FAILED),
        (CAT, RecipientKind.BCC, Status.SUPPRESSED),
    ]
    assert (view.recipients[1].code, view.recipients[1].words) == (550, "5.1.1 unknown user")
    assert (view.row.reference, view.row.tags, view.status, view.is_pending) == (
        "order-7",
        ("receipt",),
        Status.FAILED,
        False,
    )
    assert [(one.kind, one.address) for one in view.timeline] == [
        *[("accepted", None), ("sent", ANN), ("failed", BEN), ("suppressed", CAT)]
    ]


def test_there_is_no_message_of_an_unknown_id(ses_conn, mail):
    assert find(ses_conn, uuid4()) is None
    assert find_by_reference_id(ses_conn, "nothing") is None
    assert find_by_idempotency_key(ses_conn, "AKIDtest", "nothing") is None


def test_what_others_told_is_in_the_timeline_and_is_searched_by(ses_conn, mail):
    made = mail.message((ANN, SENT))
    other = mail.message((BEN, SENT))
    (recipient,) = find(ses_conn, made).recipients
    with ses_conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, hard, source, source_id,"
            " diagnostic) VALUES (gen_random_uuid(), now(), %s, %s, 'bounced', true, 'bounce_mail', 'x', '550 gone')",
            recipient.key,
        )
        cursor.execute(
            "INSERT INTO message_feedback (occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider,"
            " bounced, first_at, last_at) VALUES (%s, %s, 1, 'mail.example.com', now(), 'other', 2, now(), now())",
            recipient.key,
        )
    view = find(ses_conn, made)
    assert (view.timeline[-1].kind, view.timeline[-1].words, view.timeline[-1].address) == ("bounced", "550 gone", ANN)
    assert view.recipients[0].feedback == (Feedback.HARD_BOUNCED,)
    assert ids(search(ses_conn, domains=None, status=Feedback.HARD_BOUNCED)) == [made]
    assert ids(search(ses_conn, domains=None)) == [other, made]


def test_a_scheduled_message_shows_whom_it_waits_for_and_one_that_was_refused_says_why(ses_conn, mail):
    waits = mail.message((ANN, WAITING), (BEN, WAITING), cc=1, scheduled=True)
    cancelled = mail.message((ANN, WAITING), scheduled=True, cancelled=True)
    why = {"code": "not_a_cursor", "facts": {}}
    refused = mail.message((CAT, WAITING), scheduled=True, refused=why)
    view = find(ses_conn, waits)
    assert (view.status, view.is_pending) == (Status.SCHEDULED, True)
    assert [(one.address, one.kind) for one in view.recipients] == [
        ("ann@shop.example", RecipientKind.TO),
        (BEN, RecipientKind.CC),
    ]
    assert find(ses_conn, cancelled).timeline[-1].kind == "cancelled"
    assert find(ses_conn, refused).refused.code == "not_a_cursor"
    assert find(ses_conn, refused).timeline[-1].kind == "refused"
    assert ids(search(ses_conn, domains=None, address=ANN)) == [cancelled, waits]
    assert ids(search(ses_conn, domains=None, status=Status.SCHEDULED)) == [waits]
    assert ids(search(ses_conn, domains=None, status=Status.CANCELLED)) == [cancelled]


def test_each_question_narrows_the_list(ses_conn, mail):
    old = mail.message((ANN, SENT), ago=timedelta(days=3), tags=["code", "login"], reference="a")
    other = mail.message((BEN, FAILED), domain="shop.example.net", tags=["code"], reference="a", key_id="AKIDother")
    both = mail.message((BEN, UNKNOWN), (ANN, SENT), ago=timedelta(minutes=1))
    assert ids(search(ses_conn, domains=None)) == [both, other, old]
    assert ids(search(ses_conn, domains=["mail.example.com"])) == [both, old]
    assert ids(search(ses_conn, domains=[])) == []
    assert ids(search(ses_conn, domains=None, address=" ann@SHOP.example ")) == [both, old]
    assert ids(search(ses_conn, domains=["shop.example.net"], address=ANN)) == []
    assert ids(search(ses_conn, domains=None, tag="code")) == [other, old]
    assert ids(search(ses_conn, domains=None, tag="login")) == [old]
    assert ids(search(ses_conn, domains=None, reference="a")) == [other, old]
    assert ids(search(ses_conn, domains=None, reference="a", key_id="AKIDother")) == [other]
    assert ids(search(ses_conn, domains=None, status=Status.UNKNOWN)) == [both]
    assert ids(search(ses_conn, domains=None, status=Status.SENT)) == [both, old]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert ids(search(ses_conn, domains=None, since=yesterday)) == [both, other]
    assert ids(search(ses_conn, domains=None, until=yesterday)) == [old]


def test_no_sender_of_bulk_mail_is_mistaken_for_a_single_message(ses_conn, mail):
    """A row behind the last one of a message, in the same occurrence, belongs to no message."""
    mail.message((ANN, SENT))
    with ses_conn.cursor() as cursor:
        cursor.execute(
            'INSERT INTO message (occurrence_id, seq, address, address_key, "values") VALUES (%s, 9, %s, %s, %s)',
            (mail.occurrence("mail.example.com"), BEN, BEN, "{}"),
        )
    assert ids(search(ses_conn, domains=None, address=BEN)) == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 8), moments=st.lists(st.integers(0, 4), max_size=14), failed=st.booleans())
def test_the_pages_together_are_the_list(ses_conn, mail, size, moments, failed):
    """Also where several messages were accepted at one moment."""
    with ses_conn.cursor() as cursor:
        cursor.execute("TRUNCATE single_message")
    made = {}
    for number, minutes in enumerate(moments):
        one = mail.message((ANN, FAILED if number % 3 == 0 else SENT), ago=timedelta(minutes=minutes))
        made[one] = number % 3 == 0
    asked = {"status": Status.FAILED} if failed else {}
    seen, cursor = [], None
    for _ in range(len(moments) + 2):
        found = search(ses_conn, domains=None, cursor=cursor, limit=size, **asked)
        assert len(found.messages) <= size
        seen += ids(found)
        cursor = found.next
        if cursor is None:
            break
    assert cursor is None
    assert len(seen) == len(set(seen))
    assert set(seen) == {one for one, is_failed in made.items() if is_failed or not failed}


def test_a_search_by_status_stops_somewhere_and_goes_on_from_there(ses_conn, mail, monkeypatch):
    monkeypatch.setattr(finding, "MOST_LOOKED_AT", 4)
    monkeypatch.setattr(finding, "_STEP", 2)
    rare = mail.message((BEN, FAILED), ago=timedelta(hours=1))
    for minutes in range(6):
        mail.message((ANN, SENT), ago=timedelta(minutes=minutes))
    first = search(ses_conn, domains=None, status=Status.FAILED)
    assert (ids(first), first.next is None) == ([], False)
    second = search(ses_conn, domains=None, status=Status.FAILED, cursor=first.next)
    assert (ids(second), second.next) == ([rare], None)


@pytest.mark.parametrize("cursor", ["x", "12", "12.34", "-5.00000000-0000-7000-8000-000000000000", "9" * 40])
def test_a_cursor_that_is_none_is_refused(ses_conn, cursor):
    with pytest.raises(InvalidInput) as refused:
        search(ses_conn, domains=None, cursor=cursor)
    assert (refused.value.code, refused.value.field) == ("not_a_cursor", "cursor")


def test_an_address_that_is_none_is_refused_in_its_field(ses_conn):
    with pytest.raises(InvalidInput) as refused:
        search(ses_conn, domains=None, address="nobody")
    assert refused.value.field == "address"


def test_a_message_is_found_by_the_name_its_request_or_the_reference_gave_it(ses_conn, mail):
    native = mail.message((ANN, SENT))
    theirs = mail.message((BEN, SENT), reference_id="qcloudses-1-abc")
    answers = {
        "mine": {"id": str(native)},
        "theirs": {"Response": {"MessageId": "qcloudses-1-abc"}},
        "many": {"results": [{"id": str(native)}]},
    }
    with ses_conn.cursor() as cursor:
        for name, answer in answers.items():
            cursor.execute(
                "INSERT INTO idempotent_request (key_id, idempotency_key, fingerprint, kept_until, status, answer)"
                " VALUES ('AKIDtest', %s, 'x', now() + interval '1 hour', 202, %s)",
                (name, json.dumps(answer)),
            )
    assert find_by_reference_id(ses_conn, "qcloudses-1-abc").id == theirs
    assert find_by_idempotency_key(ses_conn, "AKIDtest", "mine").id == native
    assert find_by_idempotency_key(ses_conn, "AKIDtest", "theirs").id == theirs
    assert find_by_idempotency_key(ses_conn, "AKIDtest", "many") is None
    assert find_by_idempotency_key(ses_conn, "AKIDother", "mine") is None
