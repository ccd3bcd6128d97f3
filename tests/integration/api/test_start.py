"""A copy of the API starts quickly, without Airflow, and stops when it is told to."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2

from tests.integration.api.api_process import ApiProcess, rows
from tests.sizes import FULL

#: Seconds of the clock, on a machine that does nothing else; and of CPU, which others make longer, too.
START_WITHIN = 2.0 if FULL else 60.0
CPU_WITHIN = 3.0


def test_it_answers_soon_has_no_airflow_and_stops(ses_dsn, tmp_path):
    api = ApiProcess(dsn=ses_dsn, spool=tmp_path / "home")
    began = time.monotonic()
    api.start()
    try:
        took = time.monotonic() - began
        with api.client() as client:
            answer = client.get("/health")
            assert answer.json()["settings"] == "missing"
            assert answer.status_code == 503
        maps = Path(f"/proc/{api.process.pid}/status").read_text()
        octets = int(next(line for line in maps.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024
        cpu = sum(map(int, Path(f"/proc/{api.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / 100
        began = time.monotonic()
        assert api.stop() in (0, -15), api.log  # uvicorn gives the signal on
        assert time.monotonic() - began < 15
    finally:
        api.kill()
    print(f"started in {took:.2f} s, {cpu:.2f} s of CPU, {octets / 1e6:.0f} MB")
    assert took < START_WITHIN, api.log
    assert cpu < CPU_WITHIN
    assert octets < 150_000_000


def test_it_begins_when_the_database_takes_changes_again_and_leaves_no_session_behind_meanwhile(ses_dsn, tmp_path):
    """As a standby that is promoted: a process that began before never accepted anything."""

    def database(change):
        with closing(psycopg2.connect(ses_dsn)) as conn, conn.cursor() as cursor:
            conn.autocommit = True
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f"ALTER DATABASE {conn.info.dbname} {change}")

    def mail():
        with api.client() as client:
            return client.get("/health").json().get("database")

    api = ApiProcess(dsn=ses_dsn, spool=tmp_path / "home")
    database("SET default_transaction_read_only = on")
    api.start()
    try:
        assert mail() == "unavailable"
        time.sleep(5)  # it tries each second
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
        end = time.monotonic() + 20
        while (left := rows(ses_dsn, sessions, "ses-ops single messages")[0][0]) > 1:
            assert time.monotonic() < end, f"{left} sessions"
            time.sleep(0.1)
        database("RESET default_transaction_read_only")
        end = time.monotonic() + 60
        while mail() != "ok":
            assert time.monotonic() < end, api.log
            time.sleep(0.2)
    finally:
        api.kill()


def test_its_further_processes_end_with_the_one_that_started_them(ses_dsn, tmp_path):
    api = ApiProcess(dsn=ses_dsn, spool=tmp_path / "home", arguments=["--workers", "2"])
    api.start()
    try:
        first = psutil.Process(api.process.pid)
        further = first.children(recursive=True)
        assert len(further) >= 2
        first.kill()
        first.wait(10)
        _, left = psutil.wait_procs(further, timeout=30)
        assert not left, api.log
        socket.create_server(("127.0.0.1", api.port)).close()
    finally:
        api.kill()


def test_its_modules_import_no_airflow():
    code = (
        "import sys\nimport ses_ops.cli.listen, ses_ops.api.server, ses_ops.api.app, ses_ops.cli.session\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'airflow'])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
