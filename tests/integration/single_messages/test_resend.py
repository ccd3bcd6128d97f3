"""A single message is sent again as a new one: never by itself, never while it may still leave, and once a click."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ses_ops.application.single_messages.find import find
from ses_ops.application.single_messages.resend import message_to_repeat, resend
from ses_ops.domain.single_message import Attachment, read_stored
from ses_ops.domain.single_message_status import SingleMessageStatus as Status
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import connect
from ses_ops.storage.single_messages import finding
from tests.actors import ANYBODY
from tests.single_mail import FAILED, SENT, UNKNOWN, WAITING, SingleMail, said

ANN = "Ann@shop.example"


@pytest.fixture
def mail(ses_conn):
    return SingleMail(ses_conn)


@pytest.mark.parametrize("outcome", [SENT, FAILED, UNKNOWN])
def test_what_was_said_is_said_again_by_a_message_that_waits_for_the_api(ses_conn, mail, outcome):
    file = Attachment(name="bill.pdf", media_type="application/pdf", content=b"\0\1")
    message = said(ANN, message_id="<mine@shop>", send_at=datetime.now(UTC), attachments=(file,), reference="order-7")
    first = mail.message((ANN, outcome), content=message.stored, reference="order-7", tags=["bill"], template=None)
    made = resend(ses_conn, ANYBODY, first)
    view = find(ses_conn, made.id)
    assert (view.status, view.row.repeats, view.row.source) == (Status.SCHEDULED, first, "console")
    assert (view.row.reference, view.row.tags, view.row.sender) == (
        "order-7",
        ("bill",),
        "Shop <news@mail.example.com>",
    )
    assert [one.address for one in view.recipients] == [ANN.lower()]
    assert finding.repeated_by(ses_conn, first) == [made.id]
    again = read_stored(finding.content(ses_conn, made.id))
    assert again.attachments == (file,)
    assert (again.text, again.message_id, again.send_at) == ("It is 123456.", None, None)
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT due_at <= now() FROM single_message WHERE id = %s", (str(made.id),))
        assert cursor.fetchone() == (True,)


def test_what_may_still_leave_or_is_no_longer_known_is_not_sent_again(ses_conn, mail):
    content = said(ANN).stored
    waiting = mail.message((ANN, WAITING), content=content)
    scheduled = mail.message((ANN, WAITING), scheduled=True, content=content)
    gone = mail.message((ANN, FAILED))
    later = mail.message((ANN, FAILED), content=b"\xff" + content)
    for one, code in (
        (waiting, "message_still_waits"),
        (scheduled, "message_still_waits"),
        (gone, "message_content_gone"),
        (later, "message_content_gone"),
    ):
        with pytest.raises(Conflict) as refused:
            resend(ses_conn, ANYBODY, one)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        message_to_repeat(ses_conn, uuid4())
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM single_message WHERE repeats IS NOT NULL")
        assert cursor.fetchone() == (0,)


def test_ten_clicks_at_once_send_it_once(ses_conn, ses_dsn, mail):
    first = mail.message((ANN, FAILED), content=said(ANN).stored)
    made, refused = [], []

    def click() -> None:
        conn = connect(ses_dsn)
        try:
            made.append(resend(conn, ANYBODY, first).id)
        except Conflict as problem:
            refused.append(problem.code)
        finally:
            conn.close()

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(made) == 1
    assert refused == ["message_is_being_resent"] * 9


def test_a_message_that_was_refused_at_its_time_can_be_sent_again(ses_conn, mail):
    refused = {"code": "quota_used_up", "facts": {}}
    first = mail.message((ANN, WAITING), scheduled=True, refused=refused, content=said(ANN).stored)
    assert find(ses_conn, resend(ses_conn, ANYBODY, first).id).status == Status.SCHEDULED


def test_it_is_said_whether_a_copy_of_the_api_runs(ses_conn, mail):
    first = mail.message((ANN, FAILED), content=said(ANN).stored, ago=timedelta(hours=1))
    with ses_conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO single_message_process (host, pid, beat_at)"
            " VALUES ('a', 1, now()), ('b', 2, now() - '1 hour'::interval)"
        )
    assert resend(ses_conn, ANYBODY, first).copies == 1
