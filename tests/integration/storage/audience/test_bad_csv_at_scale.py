"""`ses group import` of very many rows, a tenth of them bad: every row is where it belongs, or nothing changed."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from ses_ops.audience.csv.lines import MAX_ROW
from ses_ops.storage.connection import connected
from tests.integration.storage.audience.bad_csv import BAD_IN_BLOCK, BLOCK, DUPLICATE, HEADER, Bad, Good, records
from tests.sizes import size

ROOT = Path(__file__).parents[4]
BLOCKS = size(1_000_000, 50_000) // BLOCK
#: kB of the whole process, Python and its libraries among them.
MOST_MEMORY = 200_000
#: Twenty on an idle machine, which a test cannot count on.
MOST_SECONDS = 100
#: Runs `ses` and, at its end, prints the most memory that it had (kB). Ctrl-C reaches it even where the tests run in a
#: shell's background, which ignores it and hands that down.
_SES = """
import atexit, re, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ses_ops.cli.main import main
atexit.register(lambda: print("VmHWM", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True))
main()
"""
#: How a cell begins that a spreadsheet takes for a formula.
CARRIED_OUT = re.compile("[=+@-]")


def ses(dsn: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _SES, *arguments],
        env={**os.environ, "AIRFLOW_CONN_SES_DB": dsn, "PYTHONPATH": f"{ROOT}/plugins", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def eventually(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def query(conn, sql: str, *values) -> list[tuple]:
    with conn, conn.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def stored_lines(conn, path: Path) -> Iterator[str]:
    """The group's recipients as lines of COPY text, in file order."""
    with conn, conn.cursor() as cursor, path.open("wb") as file:
        cursor.copy_expert(
            "COPY (SELECT position, address, address_key, values->>'name', values->>'city',"
            " values - 'name' - 'city' FROM recipient ORDER BY position) TO STDOUT",
            file,
        )
    with path.open(encoding="utf-8", newline="\n") as file:
        yield from file


#: As PostgreSQL's manual says that COPY writes them.
_COPY_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
)


def as_copied(good: Good) -> str:
    name, city = good.name.translate(_COPY_ESCAPES), good.city.translate(_COPY_ESCAPES)
    return f"{good.line}\t{good.address}\t{good.address.lower()}\t{name}\t{city}\t{{}}\n"


def check_stored(conn, blocks: int, path: Path) -> int:
    stored = stored_lines(conn, path)
    count = 0
    for _, expected in records(blocks):
        if isinstance(expected, Good):
            assert next(stored, "nothing") == as_copied(expected)
            count += 1
    assert next(stored, None) is None, "a row is there that should not be"
    return count


def check_report(path: Path, blocks: int) -> Counter[str]:
    kinds: Counter[str] = Counter()
    expected = [row for _, row in records(blocks) if isinstance(row, Bad)]
    # Duplicates are found at the end, when all is copied.
    expected.sort(key=lambda bad: (bad.kind == DUPLICATE, bad.line))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reported = csv.DictReader(file)
        for bad, row in zip(expected, reported, strict=True):
            line, _, reason = row["ses_reason"].partition(": ")
            assert line == f"line {bad.line}", (bad, row)
            assert bad.words in reason, (bad, row)
            cells = [*list(row.values())[:-1], *(row.get(None) or ())]
            assert not any(str(cell).startswith(("=", "+", "-", "@")) for cell in cells), (
                "a spreadsheet would carry it out"
            )
            kinds[bad.kind] += 1
    return kinds


def write_file(path: Path, blocks: int) -> None:
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf" + HEADER)
        file.writelines(raw for raw, _ in records(blocks))


def test_of_very_many_rows_every_good_one_is_stored_and_every_bad_one_is_named(ses_dsn, ses_conn, tmp_path):
    file = tmp_path / "customers.csv"
    write_file(file, BLOCKS)
    started = time.monotonic()
    process = ses(ses_dsn, "group", "import", "customers", str(file))
    out, err = process.communicate(timeout=200)
    seconds = time.monotonic() - started
    assert process.returncode == 0, err
    good = BLOCKS * (BLOCK - BAD_IN_BLOCK)
    assert f"customers: {good:,} recipients with name, city (new)" in out
    assert check_stored(ses_conn, BLOCKS, tmp_path / "stored") == good
    kinds = check_report(tmp_path / "customers.csv.rejected.csv", BLOCKS)
    assert kinds.total() == BLOCKS * BAD_IN_BLOCK
    assert f"{kinds.total():,} rows were left out" in out
    assert all(f"{kind} {count:,}" in out for kind, count in kinds.items())
    assert query(ses_conn, "SELECT recipient_count, variables FROM recipient_group") == [(good, ["name", "city"])]
    memory = int(re.search(r"VmHWM (\d+)", out)[1])
    print(f"\n{BLOCKS * BLOCK:,} rows, {file.stat().st_size:,} bytes: {seconds:.1f} s, {memory / 1000:.0f} MB")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


def test_with_strict_one_bad_row_among_many_leaves_the_group_as_it_was(ses_dsn, ses_conn, tmp_path):
    old = put_old_content(ses_dsn, ses_conn, tmp_path)
    file = tmp_path / "customers.csv"
    write_file(file, 20)
    process = ses(ses_dsn, "group", "import", "customers", str(file), "--strict")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{20 * (BAD_IN_BLOCK - 3):,} rows were rejected" in err
    assert "--strict takes all rows or none" in err
    assert content(ses_conn) == old


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_only_another_delimiter(ses_dsn, ses_conn, tmp_path, delimiter):
    file = tmp_path / "customers.csv"
    rows = [("name", "email", "city"), ("A,B", "a@b.example", "x;y|z\tw"), ('"', "c@d.example", "")]
    with file.open("w", newline="") as opened:
        csv.writer(opened, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    process = ses(ses_dsn, "group", "import", "customers", str(file), "--delimiter", delimiter)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert query(ses_conn, "SELECT values FROM recipient ORDER BY position") == [
        ({"name": "A,B", "city": "x;y|z\tw"},),
        ({"name": '"', "city": ""},),
    ]


def test_values_too_long_for_a_row_cost_their_own_rows_only(ses_dsn, ses_conn, tmp_path):
    long = b"x" * (MAX_ROW + 200_000)
    rows = [b"a@b.example,%b" % long, b"b@b.example,B", b'c@b.example,"%b"' % long, b"d@b.example," + b"y" * 900_000]
    (tmp_path / "long.csv").write_bytes(b"email,name\n" + b"\n".join(rows * 20) + b"\n")
    process = ses(ses_dsn, "group", "import", "customers", str(tmp_path / "long.csv"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "2 recipients with name" in out
    assert "too long 40, duplicate address 38" in out
    with (tmp_path / "long.csv.rejected.csv").open(newline="", encoding="utf-8-sig") as file:
        reported = [row["ses_reason"] for row in csv.DictReader(file)]
    lines = [re.match(r"line (\d+): a row is longer than", reason) for reason in reported]
    assert [int(line[1]) for line in lines if line] == list(range(2, 82, 2))
    assert query(ses_conn, "SELECT length(values->>'name') FROM recipient ORDER BY position") == [(1,), (900_000,)]
    assert int(re.search(r"VmHWM (\d+)", out)[1]) < MOST_MEMORY


def put_old_content(dsn: str, conn, tmp_path: Path) -> list[tuple]:
    old = tmp_path / "old.csv"
    old.write_text("email,was\n" + "".join(f"old{n}@customers.example,{n}\n" for n in range(1000)))
    process = ses(dsn, "group", "import", "customers", str(old), "--description", "the old ones")
    assert process.wait(60) == 0
    return content(conn)


def content(conn) -> list[tuple]:
    return query(
        conn,
        "SELECT g.name, g.description, g.variables, g.recipient_count, g.updated_at, r.position, r.address, r.values"
        " FROM recipient_group g JOIN recipient r ON r.group_id = g.id ORDER BY r.position",
    )


#: Holds the import at its last statement, when all is copied and the duplicates are gone, until the lock is free.
_HOLD_LAST_STATEMENT = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER hold BEFORE UPDATE OF recipient_count ON recipient_group FOR EACH ROW EXECUTE FUNCTION hold();
"""


@pytest.mark.parametrize("moment", ["copying", "last statement"])
@pytest.mark.parametrize("end", ["kill -9", "Ctrl-C", "database gone"])
def test_an_import_that_is_cut_off_leaves_the_old_content_whole(ses_dsn, ses_conn, tmp_path, moment, end):
    old = put_old_content(ses_dsn, ses_conn, tmp_path)
    # Half of it is more than the import reads at a time.
    blocks = 40
    pipe = tmp_path / "customers.csv"
    os.mkfifo(pipe)
    go_on = threading.Event()
    feeder = threading.Thread(target=feed, args=(pipe, blocks, go_on), daemon=True)
    feeder.start()
    with connected(ses_dsn, application="the test") as holder, holder.cursor() as cursor:
        if moment == "last statement":
            query(ses_conn, _HOLD_LAST_STATEMENT + "SELECT 1")
            cursor.execute("SELECT pg_advisory_lock(1)")
            go_on.set()
        process = ses(ses_dsn, "group", "import", "customers", str(pipe))
        eventually(lambda: has_come_to(ses_conn, moment), f"the import comes to {moment}")
        assert content(ses_conn) == old, "the new content is seen before it is whole"
        if end == "database gone":
            ended = query(ses_conn, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_IMPORTS}")
            assert ended == [(True,)]
        else:
            process.send_signal(signal.SIGKILL if end == "kill -9" else signal.SIGINT)
        if moment == "copying":
            go_on.set()
        if end == "kill -9":
            process.wait(60)
        cursor.execute("SELECT pg_advisory_unlock_all()")
    _, err = process.communicate(timeout=60)
    assert process.returncode == {"kill -9": -signal.SIGKILL, "Ctrl-C": 130, "database gone": 1}[end], err
    assert "Traceback" not in err
    eventually(lambda: not query(ses_conn, f"SELECT 1 FROM pg_stat_activity WHERE {_IMPORTS}"), "its session ends")
    assert content(ses_conn) == old
    feeder.join(60)
    assert query(ses_conn, "SELECT count(*) FROM recipient") == [(1000,)]
    query(ses_conn, "DROP FUNCTION IF EXISTS hold CASCADE; SELECT 1")
    check_that_the_next_import_works(ses_dsn, ses_conn, tmp_path)


_IMPORTS = "datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ses command line'"


def has_come_to(conn, moment: str) -> bool:
    if moment == "copying":
        # The half of the file that has been fed, or nearly: PostgreSQL counts what it has taken.
        return bool(query(conn, "SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 1000"))
    return bool(query(conn, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


def feed(pipe: Path, blocks: int, go_on: threading.Event) -> None:
    """Writes the file into a pipe; waits in the middle until the test lets it go on."""
    half = blocks * BLOCK // 2
    try:
        with pipe.open("wb") as file:
            file.write(HEADER)
            for number, (raw, _) in enumerate(records(blocks)):
                if number == half:
                    file.flush()
                    go_on.wait(60)
                file.write(raw)
    except BrokenPipeError:
        pass


def check_that_the_next_import_works(dsn: str, conn: psycopg2.extensions.connection, tmp_path: Path) -> None:
    file = tmp_path / "again.csv"
    write_file(file, 2)
    process = ses(dsn, "group", "import", "customers", str(file))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    check_stored(conn, 2, tmp_path / "stored")
    check_report(tmp_path / "again.csv.rejected.csv", 2)
