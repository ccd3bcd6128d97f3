"""Acceptance of single messages: on disk before the answer, or refused with nothing written."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.single_messages.orders import AcceptanceLimits, Accepted, Refused, Replayed
from ses_ops.domain.address import parse_address
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.message_state import MessageState
from ses_ops.errors import DatabaseUnavailable
from tests.accepting_world import DOMAIN, Copy, NoMail, ids, order
from tests.integration.sending_world import quota

TABLES = ("message", "single_message", "single_message_content", "idempotent_request")


def counts(conn) -> dict[str, int]:
    found = {}
    with conn, conn.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


def value(conn, sql: str, *values):
    with conn, conn.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0] if cursor.description else None


def row(conn, sql: str, *values):
    with conn, conn.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def accept(dsn: str, *orders, copy: Copy | None = None):
    async def run():
        async with (copy or Copy(dsn)).running() as running:
            return await running.accept(*orders)

    return asyncio.run(run())


def problem(answer) -> str:
    assert isinstance(answer, Refused), answer
    return answer.problem.code


def test_an_accepted_message_is_in_the_ledger_marked_and_with_its_content(ses_dsn, ses_conn):
    copy = Copy(ses_dsn)
    asked = order("ann@example.org", "Bob@example.org", tags=("code", 'a "b" \\c'), reference="r,1{}")
    (answer,) = accept(ses_dsn, asked, copy=copy)
    assert isinstance(answer, Accepted)
    assert [(one.address, one.kind, one.state) for one in answer.recipients] == [
        ("ann@example.org", "to", MessageState.QUEUED),
        ("Bob@example.org", "to", MessageState.QUEUED),
    ]
    assert counts(ses_conn) == {**dict.fromkeys(TABLES, 1), "message": 2, "idempotent_request": 0}
    assert row(
        ses_conn, "SELECT id::text, tags, reference, first_seq, recipient_count, accepted_at FROM single_message"
    ) == (*(str(asked.id), ["code", 'a "b" \\c'], "r,1{}", 1, 2, answer.accepted_at),)
    assert row(ses_conn, "SELECT first_seq, last_seq, sending_through, pending, state::text FROM chunk") == (
        1,
        2,
        2,
        2,
        "reserved",
    )
    assert [(one.seq, one.address, one.place) for one in copy.started] == [
        (1, "ann@example.org", 0),
        (2, "Bob@example.org", 1),
    ]
    assert bytes(value(ses_conn, "SELECT content FROM single_message_content")) == asked.message.stored


def test_places_of_the_day_are_reserved_in_blocks_and_never_more_than_there_are(ses_dsn, ses_conn):
    copy = Copy(ses_dsn, quota=quota(100, domain=DOMAIN))
    answers = accept(ses_dsn, *(order(f"p{n}@example.org") for n in range(120)), copy=copy)
    assert sum(isinstance(one, Accepted) for one in answers) == 100
    refused = [one for one in answers if isinstance(one, Refused)]
    assert {one.problem.code for one in refused} == {"quota_used_up"}
    assert counts(ses_conn)["message"] == 100
    assert row(ses_conn, "SELECT reserved, used, single FROM quota_day") == (100, 0, 100)
    assert value(ses_conn, "SELECT sum(reserved) FROM chunk") == 100


def test_a_few_messages_reserve_a_block_of_a_large_day(ses_dsn, ses_conn):
    accept(ses_dsn, order("ann@example.org"), copy=Copy(ses_dsn, quota=quota(1_600, domain=DOMAIN)))
    assert row(ses_conn, "SELECT reserved, single FROM quota_day") == (100, 100)
    assert row(ses_conn, "SELECT reserved, pending FROM chunk") == (100, 1)


@pytest.mark.parametrize("variable", [quota(10, domain="other.example"), "{}", "no JSON"])
def test_a_domain_without_a_plan_accepts_nothing(ses_dsn, ses_conn, variable):
    (answer,) = accept(ses_dsn, order("ann@example.org"), copy=Copy(ses_dsn, quota=variable))
    assert problem(answer).startswith("quota_")
    assert not any(counts(ses_conn).values())


def test_a_warm_up_that_has_not_begun_accepts_nothing_now(ses_dsn, ses_conn):
    variable = {DOMAIN: {**quota(10, domain=DOMAIN)[DOMAIN], "started_on": "2098-01-01"}}
    (answer,) = accept(ses_dsn, order("ann@example.org"), copy=Copy(ses_dsn, quota=variable))
    assert problem(answer) == "warmup_not_begun"
    assert not any(counts(ses_conn).values())


def suppress(conn, address: str, *, scope: str = "", reason: str = "complaint") -> None:
    key = parse_address(address).key
    sql = "INSERT INTO suppression (address_key, address, reason, scope) VALUES (%s, %s, %s, %s)"
    value(conn, sql, key, address, reason, scope)


def test_a_suppressed_recipient_is_left_out_and_a_message_without_any_other_is_refused(ses_dsn, ses_conn):
    suppress(ses_conn, "Ann@example.org")
    both, alone = accept(ses_dsn, order("ann@example.org", "bob@example.org"), order("ANN@example.org"))
    assert [one.state for one in both.recipients] == [MessageState.SUPPRESSED, MessageState.QUEUED]
    assert problem(alone) == "recipient_suppressed"
    assert counts(ses_conn)["single_message"] == 1
    assert row(ses_conn, "SELECT state::text, smtp_text FROM message WHERE seq = 1") == ("suppressed", "complaint")
    assert row(ses_conn, "SELECT pending, suppressed, last_seq FROM chunk") == (1, 1, 2)


def test_who_unsubscribed_from_a_domain_gets_its_codes_and_not_its_marketing(ses_dsn, ses_conn):
    suppress(ses_conn, "ann@example.org", scope=DOMAIN, reason="unsubscribe")
    code, marketing = accept(ses_dsn, order("ann@example.org"), order("ann@example.org", is_marketing=True))
    assert isinstance(code, Accepted)
    assert problem(marketing) == "recipient_suppressed"


def test_an_address_gets_so_many_messages_an_hour_over_requests_and_copies(ses_dsn, ses_conn):
    limits = AcceptanceLimits(per_address=3)
    first = accept(ses_dsn, *(order("ann@example.org") for _ in range(2)), copy=Copy(ses_dsn, limits=limits))
    assert all(isinstance(one, Accepted) for one in first)
    asked = (*(order("Ann@example.org") for _ in range(3)), order("bob@example.org"))
    second = accept(ses_dsn, *asked, copy=Copy(ses_dsn, limits=limits))
    assert [isinstance(one, Accepted) for one in second] == [True, False, False, True]
    assert problem(second[1]) == "address_limit_reached"
    assert 3_500 < second[1].problem.retry_after <= 3_600
    assert counts(ses_conn)["single_message"] == 4
    value(ses_conn, "UPDATE address_rate SET moments = ARRAY(SELECT m - interval '1 hour' FROM unnest(moments) m)")
    (later,) = accept(ses_dsn, order("ann@example.org"), copy=Copy(ses_dsn, limits=limits))
    assert isinstance(later, Accepted)
    assert value(ses_conn, "SELECT cardinality(moments) FROM address_rate WHERE address_key = 'ann@example.org'") == 1


def test_a_revoked_key_accepts_nothing_any_more(ses_dsn, ses_conn):
    sql = (
        "INSERT INTO api_key (id, name, scopes, domains, secret_hash, secret_box, revoked_at)"
        " VALUES ('AKIDtest', 'shop', '{send}', '{*}', '', '', now())"
    )
    value(ses_conn, sql)
    (answer,) = accept(ses_dsn, order("ann@example.org"))
    assert problem(answer) == "api_key_revoked"
    assert not any(counts(ses_conn).values())


def test_a_message_of_later_has_no_rows_and_takes_no_place(ses_dsn, ses_conn):
    at = datetime.now(UTC) + timedelta(days=1)
    copy = Copy(ses_dsn)
    (answer,) = accept(ses_dsn, order("ann@example.org", send_at=at), copy=copy)
    assert answer.scheduled
    assert counts(ses_conn) == {"message": 0, "single_message": 1, "single_message_content": 1, "idempotent_request": 0}
    assert row(ses_conn, "SELECT send_at, due_at, occurrence_id, address_keys FROM single_message") == (
        *(at, at, None, ["ann@example.org"]),
    )
    assert value(ses_conn, "SELECT count(*) FROM quota_day") == 0
    assert copy.started == []


def test_an_equal_request_gets_the_first_answer_and_another_one_is_refused(ses_dsn, ses_conn):
    first, again, other = (
        accept(ses_dsn, order("ann@example.org", idempotency="k1", fingerprint=body))[0]
        for body in (b"one", b"one", b"two")
    )
    assert isinstance(again, Replayed)
    assert again.answer == {"id": str(first.id), "recipients": ["ann@example.org"]}
    assert again.status == 202
    assert problem(other) == "idempotency_key_reused"
    assert counts(ses_conn)["single_message"] == 1


def test_a_refused_request_leaves_its_key_free(ses_dsn, ses_conn):
    suppress(ses_conn, "ann@example.org")
    refused, accepted = (
        accept(ses_dsn, order(to, idempotency="k1", fingerprint=to.encode()))[0]
        for to in ("ann@example.org", "bob@example.org")
    )
    assert problem(refused) == "recipient_suppressed"
    assert isinstance(accepted, Accepted)
    assert counts(ses_conn)["idempotent_request"] == 1


def test_a_key_is_free_again_after_its_hours(ses_dsn, ses_conn):
    (first,) = accept(ses_dsn, order("ann@example.org", idempotency="k1"))
    value(ses_conn, "UPDATE idempotent_request SET kept_until = now()")
    (second,) = accept(ses_dsn, order("ann@example.org", idempotency="k1"))
    assert isinstance(second, Accepted)
    assert second.id != first.id


def test_200_equal_requests_at_once_over_two_copies_make_one_message(ses_dsn, ses_conn):
    async def run():
        async with Copy(ses_dsn).running() as one, Copy(ses_dsn).running() as two:
            asked = [order("ann@example.org", idempotency="k1") for _ in range(200)]
            return await asyncio.gather(
                *(copy.accept(each) for each, copy in zip(asked, (one, two) * 100, strict=True))
            )

    answers = [one for (one,) in asyncio.run(run())]
    assert len(ids(answers)) == 1
    assert sum(isinstance(one, Accepted) for one in answers) == 1
    assert counts(ses_conn) == dict.fromkeys(TABLES, 1)


def test_an_equal_request_that_stays_under_way_is_not_waited_for_longer_than_said(ses_dsn, ses_conn):
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('AKIDtest k1', 7372))")
        copy = Copy(ses_dsn, limits=AcceptanceLimits(wait_for_equal=0.3))
        busy, other = accept(ses_dsn, order("ann@example.org", idempotency="k1"), order("bob@example.org"), copy=copy)
    ses_conn.rollback()
    assert problem(busy) == "idempotency_in_progress"
    assert busy.problem.retry_after == 1
    assert isinstance(other, Accepted)
    assert counts(ses_conn)["single_message"] == 1


def test_what_cannot_be_stored_spoils_no_other_request(ses_dsn, ses_conn):
    bad, good = accept(ses_dsn, order("ann@example.org", reference="a\x00b"), order("bob@example.org"))
    assert problem(bad) == "single_message_not_storable"
    assert isinstance(good, Accepted)
    assert counts(ses_conn)["single_message"] == 1


def test_a_chunk_that_is_full_is_followed_by_another(ses_dsn, ses_conn, monkeypatch):
    from ses_ops.sending.single import open_chunk

    monkeypatch.setattr(open_chunk, "MOST_OF_CHUNK", 10)
    answers = accept(
        ses_dsn, *(order(f"a{n}@example.org", f"b{n}@example.org", f"c{n}@example.org") for n in range(20))
    )
    assert all(isinstance(one, Accepted) for one in answers)
    with ses_conn, ses_conn.cursor() as cursor:
        cursor.execute("SELECT first_seq, last_seq FROM chunk ORDER BY first_seq")
        spans = cursor.fetchall()
    assert spans[0] == (1, 9)
    assert spans[-1][1] == 60
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(spans))


def test_a_quota_day_that_somebody_holds_fails_requests_rather_than_hanging_them(ses_dsn, ses_conn, monkeypatch):
    monkeypatch.setattr("ses_ops.application.single_messages.accept.LOCK_TIMEOUT", 300)

    async def run():
        async with Copy(ses_dsn, quota=quota(60, domain=DOMAIN)).running() as copy:
            await copy.accept(order("ann@example.org"))
            with ses_conn.cursor() as cursor:
                cursor.execute("SELECT FROM quota_day FOR UPDATE")
            with pytest.raises(DatabaseUnavailable):
                await asyncio.wait_for(copy.accept(order("bob@example.org", idempotency="k1")), 60)
            ses_conn.rollback()
            return await copy.accept(order("bob@example.org", idempotency="k1"))

    (answer,) = asyncio.run(run())
    assert isinstance(answer, Accepted)
    assert counts(ses_conn)["single_message"] == 2
    assert row(ses_conn, "SELECT reserved, single FROM quota_day") == (2, 2)


def test_messages_whose_opens_can_be_noticed_count_apart_from_those_whose_cannot(ses_dsn, ses_conn):
    opened = NoMail(Tracking(opens=True, clicks=False))
    asked = [order("ann@example.org"), replace(order("bob@example.org"), prepared=opened), order("cy@example.org")]
    assert all(isinstance(answer, Accepted) for answer in accept(ses_dsn, *asked))
    with ses_conn, ses_conn.cursor() as cursor:
        cursor.execute(
            "SELECT m.address, a.opens_tracked, a.clicks_tracked FROM message m"
            " JOIN chunk c ON c.occurrence_id = m.occurrence_id AND m.seq BETWEEN c.first_seq AND c.last_seq"
            " JOIN attempt a ON a.id = c.attempt_id ORDER BY 1"
        )
        assert cursor.fetchall() == [
            ("ann@example.org", False, False),
            ("bob@example.org", True, False),
            ("cy@example.org", False, False),
        ]
