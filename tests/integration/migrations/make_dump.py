"""Writes `before_0018.sql`: a `ses` database of schema 0017 with rows of every table, made by the code of that version.

It runs in a checkout of the version before schema 0018 (commit b9774b0), with the environment of any checkout:

    git worktree add ../before b9774b0
    cp -r tests/integration/migrations ../before/tests/integration/
    cd ../before && PYTHONPATH=plugins:. python tests/integration/migrations/make_dump.py FOLDER

FOLDER gets the dump and `before_0018.json`, what that version's commands said of it. Both stand beside this file.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from ses_ops.domain.rejected_rows import RejectedRows
from ses_ops.sending.group_upload import GroupUpload, UploadOrder
from ses_ops.storage.group_imports import Report
from ses_ops.storage.suppression_import import import_suppressions

from ses_ops.cli.main import run as run_command
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import ImportStopped, SesError
from ses_ops.sending import decisions
from ses_ops.sending.recover import recover
from ses_ops.storage import suppression_reports
from ses_ops.storage.connection import transaction
from ses_ops.storage.migrate import upgrade
from tests.integration.migrations.questions import LIMITS, SMALL_DOMAIN, answers
from tests.integration.sending_world import DOMAIN, World, quota
from tests.postgres_server import PostgresServer
from tests.recording_smtp import RecordingServer

#: A day that is over whenever the dump is read.
PAST = datetime(2026, 1, 5, 9, tzinfo=UTC)
CSV = "email,name,city\nann@group.example,Ann,Oslo\nben@group.example,Ben,\nbad,No,One\nann@group.example,Twice,X\n"


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    server = PostgresServer.create()
    server.start()
    try:
        name = server.new_database()
        upgrade(server.dsn(name))
        with tempfile.TemporaryDirectory() as temporary, RecordingServer() as mail:
            world = World(dsn=server.dsn(name), templates=Path(temporary) / "templates", smtp_uri=mail.uri)
            fill(world, mail, ses_of(world, Path(temporary)))
            world.check_ledger()
            (folder / "before_0018.sql").write_text(dump(server, name))
            world.quota_variable = LIMITS
            said = answers(ses_of(world, Path(temporary)))
            lines = [f"{json.dumps(question)}: {json.dumps(answer)}" for question, answer in said.items()]
            (folder / "before_0018.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
            world.close()
    finally:
        server.stop("immediate")
        server.remove()


def dump(server: PostgresServer, name: str) -> str:
    """The database as SQL without what only psql understands, and without the version of the program."""
    program = [str(server.programs / "pg_dump"), "--no-owner", "--no-privileges", "--rows-per-insert=50"]
    text = subprocess.run([*program, "-d", server.dsn(name)], check=True, capture_output=True, text=True).stdout
    left_out = ("--", "\\", "SET transaction_timeout")
    lines = [line for line in text.splitlines() if line and not line.startswith(left_out)]
    return "\n".join(lines) + "\n"


def ses_of(world: World, home: Path) -> Callable[[tuple[str, ...]], str]:
    """Runs `ses` on the world and returns what it printed."""
    for kind in ("", "_CMD", "_SECRET"):
        os.environ.pop("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" + kind, None)
    os.environ |= {
        "SES_HOME": str(home / "home"),
        "SES_TEMPLATES": str(world.templates),
        "AIRFLOW_CONN_SES_DB": world.dsn,
        "AIRFLOW_CONN_SES_SMTP": world.smtp_uri,
        "SES_USER": "ann",
    }

    def ses(command: tuple[str, ...]) -> str:
        os.environ["AIRFLOW_VAR_SES_WARMUP_QUOTA"] = json.dumps(world.quota_variable)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = run_command(list(command))
        if code:
            raise SystemExit(f"{command}: {code}")
        return out.getvalue()

    return ses


def fill(world: World, mail: RecordingServer, ses: Callable[[tuple[str, ...]], str]) -> None:
    """Rows of every table, by what a person and Airflow do."""
    limits = quota(1_000) | quota(5, domain=SMALL_DOMAIN)
    world.quota_variable = limits
    world.group("customers", 12)
    world.group("small", 3)
    world.group("used", 2)
    ses(("suppression", "add", "customers-3@customers.example", "--reason", "unsubscribe"))
    ses(("suppression", "add", "customers-9@customers.example", "--note", "asked by phone"))
    ses(("suppression", "add", "later@x.example", "--note", "until", "--expires", "2099-01-31"))
    send_all_kinds(world, mail)
    decide(world, mail, ses)
    import_files(world)
    ses(("person", "erase", "customers-2@customers.example"))
    ses(("person", "erase", "customers-9@customers.example"))
    test_send = ("--template", "hello", "--sender", f"a@{DOMAIN}", "--to", "me@x.example", "--values", '{"name": "Me"}')
    ses(("test-send", *test_send))
    make_old(world)


def send_all_kinds(world: World, mail: RecordingServer) -> None:
    """Each type of task, and each state of a message."""
    mail.refuse = lambda to: b"550 5.1.1 no such user" if to.startswith("customers-5@") else None
    world.task("finished", group="customers", roles="Marketing, 日本語", advertisement="before")
    world.whole_run(world.run("finished"), chunk_size=5)
    small = {"sender": f"Small <news@{SMALL_DOMAIN}>", "reply_to": "ask@example.com"}
    world.task("over-quota", group="customers", **small, unsubscribe_url="https://x.example/{{ name }}")
    world.whole_run(world.run("over-quota"))
    world.task("edited", group="customers", **small)
    world.whole_run(world.run("edited"))
    refused = {f"customers-{number}@customers.example" for number in (1, 4, 6)}
    mail.refuse = lambda to: b"552 5.2.2 mailbox full" if to in refused else None
    for name in ("refused", "retried"):
        world.task(name, group="customers")
        world.whole_run(world.run(name))
    mail.refuse = lambda to: b"452 4.2.2 later" if to in refused else None
    world.task("deferred", group="customers")
    world.whole_run(world.run("deferred"))
    mail.refuse = None
    daily = {"type": "recurring", "start_at": "2099-01-01 09:00", "every": "1d", "until": "2099-01-04 00:00"}
    world.task("daily", group="small", **daily)
    world.execute(
        "UPDATE send_task SET start_at = %s, until = %s, created_at = %s, start_grace = '99 years'"
        " WHERE name = 'daily'",
        PAST,
        PAST + timedelta(days=2),
        PAST,
    )
    for day in range(2):
        world.whole_run(world.run("daily", logical_at=PAST + timedelta(days=day)))
    world.task("held", group="small", type="scheduled", start_at="2099-01-01 09:00")
    world.started_at("held", PAST)
    world.freeze(world.run("held", logical_at=PAST))
    later = {"type": "scheduled", "start_at": "2099-01-01 09:00", "start_grace": "2h", "time_zone": "Asia/Tokyo"}
    world.task("later", group="small", **later)
    world.task("by-call", group="small", type="triggered", on_unknown="resend", subject="Called {{ name }}")
    for run_id in ("call-1", "call-2"):
        world.whole_run(world.run("by-call", RunKind.TRIGGERED, run_id=run_id))


def decide(world: World, mail: RecordingServer, ses: Callable[[tuple[str, ...]], str]) -> None:
    """What persons do, and what a machine that dies leaves."""
    decisions.retry_failed(world.conn, "retried")
    world.execute("UPDATE message SET retried_code = 550 WHERE seq = 1 AND state = 'requeued'")
    ses(("task", "edit", "edited", "--template", "hello", "--subject", "Corrected {{ name }}", "--yes"))
    for name in ("interrupted", "in-doubt"):
        world.task(name, group="customers")
        run = world.run(name)
        world.freeze(run)
        (chunk,) = world.reserve(run).chunk_ids
        world.die_in_mid_send(chunk, marked=4)
    world.execute("UPDATE attempt SET heartbeat_at = now() - interval '1 day' WHERE ended_at IS NULL")
    world.execute("UPDATE chunk SET reserved_at = now() - interval '1 day' WHERE run_id = %s", run.run_id)
    recover(world.conn)
    for name in ("paused", "cancelled", "deleted", "in-error", "resumed"):
        world.task(name, group="used" if name == "deleted" else "customers", sender=f"Small <news@{SMALL_DOMAIN}>")
        world.whole_run(world.run(name))
    for name in ("paused", "resumed"):
        decisions.pause(world.conn, name, reason="paused by ann")
    decisions.resume(world.conn, "resumed")
    decisions.cancel(world.conn, "cancelled", by="ann")
    decisions.cancel(world.conn, "deleted", by="ann")
    decisions.delete(world.conn, "deleted", by="ann")
    ses(("group", "delete", "used"))
    world.execute(
        "UPDATE send_task SET error_at = now(), error = %s WHERE name = 'in-error'",
        f"nothing can be sent from '{SMALL_DOMAIN}': there is no entry",
    )


def import_files(world: World) -> None:
    """Imports of the console: into groups in each state, into the suppression list with and without rows added."""
    upload(world, 1, "appended", CSV, new_group=True, empty_is_missing=True)
    upload(world, 2, "appended", CSV.replace("group.", "gmial."), append=True)
    upload(world, 3, "appended", "no address\n1\n")
    stopped = ImportStopped("stopped by ben", by="ben")
    upload(world, 4, "appended", CSV, ended=lambda: stopped)
    world.execute(
        "INSERT INTO group_import (id, group_name, file_name, file_bytes, started_by, bytes_read, rows_stored,"
        " stopped_by) VALUES (%s, 'appended', 'lost.csv', 1000, 'ann', 500, 7, 'ben')",
        str(UUID(int=5)),
    )
    world.execute("UPDATE group_import SET state = 'stopped', stopped_by = 'ben' WHERE id = %s", str(UUID(int=4)))
    listed = "new@list.example,unsubscribe\ncustomers-3@customers.example,manual\nbad,\ncy@x.example,rude\n"
    suppress(world, 6, f"email,reason\n{listed}")
    suppress(world, 7, "email,reason\nbad,\n")


def upload(world: World, number: int, group: str, text: str, *, new_group: bool = False, **more: object) -> None:
    ended = more.pop("ended", lambda: None)
    order = UploadOrder(
        id=UUID(int=number),
        group=group,
        new_group=new_group,
        by="ann",
        file_name=f"file-{number}.csv",
        file_bytes=len(text),
        **more,
    )
    with contextlib.suppress(SesError):
        GroupUpload(order, ended=ended, stop=lambda _: None).run(world.dsn, [text.encode()])


def suppress(world: World, number: int, text: str) -> None:
    rejected = RejectedRows()

    def keep(done: object) -> None:
        report = Report(content=rejected.packed(), rows=rejected.packed_rows, kinds=dict(rejected.kinds))
        suppression_reports.add(
            world.conn, UUID(int=number), file_name=f"file-{number}.csv", by="ann", done=done, report=report
        )

    try:
        import_suppressions(
            world.conn,
            [text.encode()],
            where="file",
            reason="manual",
            now=datetime.now(UTC),
            added_by="ann",
            report=rejected.add,
            file_columns=rejected.name_columns,
            before_commit=keep,
        )
    except SesError:
        with transaction(world.conn):
            keep(None)


def make_old(world: World) -> None:
    """As if all of it had been a while ago: nothing that is read of it depends on the clock."""
    world.execute("UPDATE attempt SET heartbeat_at = heartbeat_at - interval '2 days', host = 'worker-1', pid = 1")
    world.execute("UPDATE group_import SET seen_at = seen_at - interval '1 hour'")
    days = "starts_at = starts_at - interval '100 days', ends_at = ends_at - interval '100 days'"
    world.execute(f"UPDATE quota_day SET {days}")
    world.execute("UPDATE chunk SET due_at = '2099-01-01 00:00+00' WHERE due_at IS NOT NULL")
    world.execute(
        "UPDATE suppression SET expires_at = '2026-01-01' WHERE address_key = 'customers-3@customers.example'"
    )
    world.execute("UPDATE suppression SET expires_at = '2099-01-31 00:00+00' WHERE note = 'being erased'")
    world.execute("UPDATE send_task SET updated_at = '2026-01-02 03:04:05+00'")


if __name__ == "__main__":
    main()
