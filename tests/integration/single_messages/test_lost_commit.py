"""A commit whose answer is lost: acceptance finds out whether it happened, also of what was there before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ses_ops.application.single_messages.orders import Accepted
from ses_ops.storage.single_messages import accepting
from tests.accepting_world import Copy, order
from tests.integration.single_messages.test_accept import accept, row, value
from tests.integration.single_messages.test_due import due_of, now_due


def test_what_was_due_is_not_taken_for_written_when_its_commit_never_happened(ses_dsn, ses_conn, monkeypatch):
    asked = order("ann@example.org", send_at=datetime.now(UTC) + timedelta(hours=1))
    accept(ses_dsn, asked)
    now_due(ses_conn)
    write, losses = accepting.write, []

    def lose_once(conn, **given):
        """The session ends after the statement and before the commit, as when PostgreSQL is killed there."""
        done = write(conn, **given)
        if not losses:
            losses.append(1)
            value(ses_conn, "SELECT pg_terminate_backend(%s)", conn.info.backend_pid)
        return done

    monkeypatch.setattr(accepting, "write", lose_once)
    copy = Copy(ses_dsn)

    async def run() -> None:
        async with copy.running(), due_of(copy) as due:
            await due.look()
            now_due(ses_conn)
            await due.look()

    asyncio.run(run())
    assert [one.address for one in copy.started].count("ann@example.org") == 1
    assert row(ses_conn, "SELECT count(*) FROM message WHERE address = 'ann@example.org'") == (1,)
    given = {(one.chunk.attempt.occurrence_id, one.seq) for one in copy.started}
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT occurrence_id, seq FROM message")
        assert given <= set(cursor.fetchall())


def test_the_first_request_after_a_lost_connection_is_accepted(ses_dsn, ses_conn):
    copy = Copy(ses_dsn)

    async def run() -> list:
        async with copy.running():
            await copy.accept(order("ann@example.org"))
            value(
                ses_conn,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ses-ops acceptance' AND datname = current_database()",
            )
            return await copy.accept(order("bob@example.org", idempotency="k1"))

    (answer,) = asyncio.run(run())
    assert isinstance(answer, Accepted)
    assert [one.address for one in copy.started] == ["ann@example.org", "bob@example.org"]
