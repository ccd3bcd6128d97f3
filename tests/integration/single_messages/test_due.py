"""Single messages of a later time: sent once by whichever copy, refused, or cancelled."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ses_ops.application.single_messages.cancel import cancel_message
from ses_ops.application.single_messages.due import DueMessages
from ses_ops.application.single_messages.keeping import keep
from ses_ops.domain.message_state import MessageState
from ses_ops.errors import Conflict, NotFound
from tests.accepting_world import DOMAIN, Copy, NoMail, order, until
from tests.actors import ANYBODY
from tests.integration.sending_world import quota
from tests.integration.single_messages.test_accept import accept, row, suppress, value


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def now_due(conn) -> None:
    value(conn, "UPDATE single_message SET due_at = now() WHERE due_at IS NOT NULL")


def no_mail(content: bytes) -> NoMail:
    return NoMail()


def refusals(conn) -> dict[str, str]:
    found = value(conn, "SELECT json_object_agg(id, refused->>'code') FROM single_message WHERE refused IS NOT NULL")
    return found or {}


@asynccontextmanager
async def due_of(copy: Copy, remake=no_mail):
    due = DueMessages(copy.dsn, acceptor=copy.acceptor, remake=remake, every=0.05)
    try:
        yield due
    finally:
        await due.stop()


def look(copy: Copy, times: int = 1, *, remake=no_mail) -> int:
    async def run() -> int:
        async with copy.running() as running, due_of(running, remake) as due:
            return sum([await due.look() for _ in range(times)])

    return asyncio.run(run())


def test_a_message_leaves_when_its_time_comes_and_once(ses_dsn, ses_conn):
    asked = order("ann@example.org", "bob@example.org", send_at=soon())
    accept(ses_dsn, asked)
    copy = Copy(ses_dsn)
    assert look(copy) == 0
    now_due(ses_conn)
    assert look(copy, times=2) == 1
    assert [one.address for one in copy.started] == ["ann@example.org", "bob@example.org"]
    found = row(ses_conn, "SELECT id::text, first_seq, due_at, refused, accepted_at < now() FROM single_message")
    assert found == (str(asked.id), 1, None, None, True)
    assert row(ses_conn, "SELECT count(*), min(seq) FROM message") == (2, 1)
    assert value(ses_conn, "SELECT count(*) FROM single_message_content") == 1


def test_two_copies_send_what_is_due_once(ses_dsn, ses_conn):
    accept(ses_dsn, *(order(f"p{n}@example.org", send_at=soon()) for n in range(300)))
    now_due(ses_conn)

    async def run() -> list[str]:
        async with Copy(ses_dsn).running() as one, Copy(ses_dsn).running() as two:
            async with due_of(one) as a, due_of(two) as b:
                a.start(), b.start()
                await until(lambda: len(one.started) + len(two.started) >= 300)
                # A claim that has run out while its holder is still at it.
                now_due(ses_conn)
                await asyncio.sleep(0.3)
            return [each.address for each in (*one.started, *two.started)]

    found = asyncio.run(run())
    assert len(found) == len(set(found)) == 300
    assert value(ses_conn, "SELECT count(*) FROM message") == 300


@pytest.mark.parametrize(
    ("variable", "suppressed", "code"),
    [
        (quota(1, domain=DOMAIN), False, "quota_used_up"),
        (quota(9, domain="other.example"), False, "quota_entry_missing"),
        (quota(9, domain=DOMAIN), True, "recipient_suppressed"),
    ],
)
def test_what_cannot_be_sent_at_its_time_is_refused_and_says_why(ses_dsn, ses_conn, variable, suppressed, code):
    accept(ses_dsn, order("ann@example.org", "bob@example.org", send_at=soon()))
    now_due(ses_conn)
    for address in ("ann@example.org", "bob@example.org") if suppressed else ():
        suppress(ses_conn, address)
    copy = Copy(ses_dsn, quota=variable)
    assert look(copy, times=2) == 1
    assert copy.started == []
    refused, due_at, occurrence = row(ses_conn, "SELECT refused, due_at, occurrence_id FROM single_message")
    assert refused["code"] == code
    assert (due_at, occurrence) == (None, None)
    assert value(ses_conn, "SELECT count(*) FROM message") == 0


def test_who_was_suppressed_meanwhile_is_left_out(ses_dsn, ses_conn):
    accept(ses_dsn, order("ann@example.org", "bob@example.org", send_at=soon()))
    suppress(ses_conn, "ann@example.org")
    now_due(ses_conn)
    copy = Copy(ses_dsn)
    look(copy)
    assert [one.address for one in copy.started] == ["bob@example.org"]
    assert value(ses_conn, "SELECT state::text FROM message WHERE seq = 1") == MessageState.SUPPRESSED


def test_content_that_is_gone_is_refused_and_no_other_message_waits_for_it(ses_dsn, ses_conn):
    gone, kept = order("ann@example.org", send_at=soon()), order("bob@example.org", send_at=soon())
    accept(ses_dsn, gone, kept)
    value(ses_conn, "DELETE FROM single_message_content WHERE message_id = %s", str(gone.id))
    now_due(ses_conn)
    copy = Copy(ses_dsn)
    look(copy)
    assert [one.address for one in copy.started] == ["bob@example.org"]
    refused = value(ses_conn, "SELECT refused FROM single_message WHERE id = %s", str(gone.id))
    assert refused["code"] == "single_message_content_gone"


def test_a_message_that_raises_something_unforeseen_is_tried_again_and_holds_up_no_other(ses_dsn, ses_conn):
    bad, kept = order("bad@example.org", send_at=soon()), order("ann@example.org", send_at=soon())
    refused = order("bob@example.org", send_at=soon())
    accept(ses_dsn, bad, kept, refused)
    suppress(ses_conn, "bob@example.org")
    now_due(ses_conn)

    def remake(content: bytes) -> NoMail:
        if b"bad@example.org" in content:
            raise RuntimeError("a bug")
        return NoMail()

    copy = Copy(ses_dsn)
    assert look(copy, remake=remake) == 3
    assert [one.address for one in copy.started] == ["ann@example.org"]
    assert refusals(ses_conn) == {str(refused.id): "recipient_suppressed"}
    assert value(ses_conn, "SELECT count(*) FROM single_message WHERE due_at > now()") == 1
    now_due(ses_conn)
    assert look(copy) == 1
    assert [one.address for one in copy.started] == ["ann@example.org", "bad@example.org"]


def test_a_message_that_cannot_be_accepted_keeps_no_other_from_being_refused(ses_dsn, ses_conn):
    bad, refused = order("bad@example.org", send_at=soon()), order("bob@example.org", send_at=soon())
    accept(ses_dsn, bad, refused)
    suppress(ses_conn, "bob@example.org")
    now_due(ses_conn)

    class BadMail(NoMail):
        tracked = property(lambda mail: 1 // 0, lambda mail, value: None)

    look(Copy(ses_dsn), remake=lambda content: BadMail() if b"bad@example.org" in content else NoMail())
    assert refusals(ses_conn) == {str(refused.id): "recipient_suppressed"}
    assert value(ses_conn, "SELECT due_at > now() FROM single_message WHERE id = %s", str(bad.id))


def test_what_a_dead_copy_had_claimed_is_sent_by_another_a_while_later(ses_dsn, ses_conn):
    accept(ses_dsn, order("ann@example.org", send_at=soon()))
    now_due(ses_conn)

    async def claim_and_die() -> None:
        async with Copy(ses_dsn).running() as running, due_of(running) as due:

            async def dead(orders):
                raise asyncio.CancelledError

            due._acceptor = type("Dead", (), {"accept": staticmethod(dead)})
            with pytest.raises(asyncio.CancelledError):
                await due.look()

    asyncio.run(claim_and_die())
    copy = Copy(ses_dsn)
    assert look(copy) == 0
    assert value(ses_conn, "SELECT due_at BETWEEN now() AND now() + interval '1 minute' FROM single_message")
    now_due(ses_conn)
    assert look(copy) == 1
    assert len(copy.started) == 1


def test_a_cancelled_message_never_leaves_and_one_that_has_left_is_not_cancelled(ses_dsn, ses_conn):
    first, second = order("ann@example.org", send_at=soon()), order("bob@example.org", send_at=soon())
    accept(ses_dsn, first, second)
    assert cancel_message(ses_conn, ANYBODY, first.id).changed
    assert not cancel_message(ses_conn, ANYBODY, first.id).changed
    now_due(ses_conn)
    copy = Copy(ses_dsn)
    look(copy)
    assert [one.address for one in copy.started] == ["bob@example.org"]
    with pytest.raises(Conflict) as refused:
        cancel_message(ses_conn, ANYBODY, second.id)
    assert refused.value.code == "single_message_has_left"
    with pytest.raises(NotFound):
        cancel_message(ses_conn, ANYBODY, uuid4())
    assert value(ses_conn, "SELECT cancelled_at IS NOT NULL FROM single_message WHERE id = %s", str(first.id))


def test_a_message_that_is_cancelled_while_it_is_made_does_not_leave(ses_dsn, ses_conn):
    asked = order("ann@example.org", send_at=soon())
    accept(ses_dsn, asked)
    now_due(ses_conn)

    async def run(copy: Copy) -> None:
        async with copy.running() as running, due_of(running) as due:
            remake = due._remake

            def cancel(content):
                cancel_message(ses_conn, ANYBODY, asked.id)
                return remake(content)

            due._remake = cancel
            await due.look()

    copy = Copy(ses_dsn)
    asyncio.run(run(copy))
    assert copy.started == []
    assert row(ses_conn, "SELECT refused, cancelled_at IS NOT NULL FROM single_message") == (None, True)


def test_content_and_keys_of_requests_are_kept_for_their_days_and_their_tables_made_ahead(ses_dsn, ses_conn):
    accept(ses_dsn, order("ann@example.org", idempotency="k1"))
    assert keep(ses_conn) == 4
    assert keep(ses_conn) == 0
    tables = "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits WHERE inhparent = %s::regclass"
    today = value(ses_conn, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM_DD')")
    found = value(ses_conn, tables, "single_message_content")
    assert f"single_message_content_{today}" in found
    assert len(found) == 3
    # What was there before the table of its day is in it now, and an equal request still finds its answer.
    assert value(ses_conn, f"SELECT count(*) FROM single_message_content_{today}") == 1
    (again,) = accept(ses_dsn, order("ann@example.org", idempotency="k1"))
    assert again.status == 202
    for table, days in (("single_message_content", 8), ("idempotent_request", 1)):
        for ago in (days, days + 1):
            sql = (
                "SELECT format('CREATE TABLE %%s_%%s PARTITION OF %%s FOR VALUES FROM (%%L) TO (%%L)', %s, d, %s,"
                " d::date::timestamp AT TIME ZONE 'UTC', (d::date + 1)::timestamp AT TIME ZONE 'UTC')"
                " FROM (SELECT to_char(now() AT TIME ZONE 'UTC' - make_interval(days => %s), 'YYYY_MM_DD') AS d) x"
            )
            value(ses_conn, value(ses_conn, sql.replace("d::date", "to_date(d, 'YYYY_MM_DD')"), table, table, ago))
        assert value(ses_conn, "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", table) == 5
    assert keep(ses_conn) == 2
    for table in ("single_message_content", "idempotent_request"):
        assert value(ses_conn, "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", table) == 4
    value(ses_conn, "UPDATE address_rate SET moments = ARRAY[now() - interval '61 minutes']")
    keep(ses_conn)
    assert value(ses_conn, "SELECT count(*) FROM address_rate") == 0


def test_a_refusal_has_no_more_than_its_code_and_facts(ses_dsn, ses_conn):
    accept(ses_dsn, order("ann@example.org", send_at=soon(), text="secret words"))
    suppress(ses_conn, "ann@example.org")
    now_due(ses_conn)
    look(Copy(ses_dsn))
    assert "secret" not in json.dumps(value(ses_conn, "SELECT refused FROM single_message"))
