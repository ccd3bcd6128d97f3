"""A commit whose answer is lost: acceptance finds out whether it happened, also of what was there before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.errors import DatabaseUnavailable
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
            with pytest.raises(DatabaseUnavailable):
                await due.look()
            assert copy.started == []
            now_due(ses_conn)
            await due.look()

    asyncio.run(run())
    assert [one.address for one in copy.started].count("ann@example.org") == 1
    assert row(ses_conn, "SELECT count(*) FROM message WHERE address = 'ann@example.org'") == (1,)
    given = {(one.chunk.attempt.occurrence_id, one.seq) for one in copy.started}
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT occurrence_id, seq FROM message")
        assert given <= set(cursor.fetchall())
