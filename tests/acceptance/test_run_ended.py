"""A run of the tests that is ended from outside leaves no process, whatever ended it and whatever it had started."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.run_guard import MARK

REPOSITORY = Path(__file__).resolve().parents[2]
#: Seconds until what was started is there, and until all of it has gone.
STARTED_WITHIN, GONE_WITHIN = 120.0, 90.0
#: A test that starts a PostgreSQL (the fixture), a stack's supervisor with a component, as `make run` does, in sessions
#: of their own, and a child that is only forked; then it waits.
TEST = """
import multiprocessing, os, subprocess, sys, time
from pathlib import Path

SUPERVISOR = '''
import os, sys
from pathlib import Path
from ses_ops.stack.places import Places
from ses_ops.stack.postgres import EmbeddedPostgres
from ses_ops.stack.supervisor import Supervisor
places = Places(home=Path(sys.argv[1]))
places.create()
supervisor = Supervisor(places)
supervisor.start_postgres(EmbeddedPostgres(data=places.postgres, log=places.logs / "postgres.log"))
stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); time.sleep(600)"
supervisor.start("stubborn", [sys.executable, "-c", stubborn], dict(os.environ))
(places.home / "ready").touch()
while True:
    supervisor.pause(1)
'''


def test_that_waits(postgres):
    home = Path(os.environ["RUN_ENDED_HOME"])
    subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(home / "stack")], start_new_session=True)
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True).start()
    while not (home / "stack" / "ready").exists():
        time.sleep(0.1)
    (home / "here.new").write_text(str(postgres.folder))
    (home / "here.new").rename(home / "here")
    time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not pytest's tmp_path, whose name is long for a socket; removed in case the run itself did not.
    folder = Path(tempfile.mkdtemp(prefix="ses-ended-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


#: `make test` with files of tests as its parts.
SIDE_BY_SIDE = """
import sys
from tests import __main__ as program
from tests.parts import Part
files = [one for one in sys.argv[1:] if one.endswith(".py")]
sys.argv[1:] = [one for one in sys.argv[1:] if one not in files]
program.parts = lambda: [Part(file, (file,), has_stack=False) for file in files]
program.main()
"""


def _run(home: Path, *, side_by_side: bool) -> subprocess.Popen[bytes]:
    """A pytest of its own with this repository's fixtures, whose one test has started everything and waits."""
    (home / "test_waits.py").write_text(TEST)
    shutil.copy(REPOSITORY / "pyproject.toml", home)
    (home / "conftest.py").write_text("from tests.conftest import *\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    # The path of the fixtures: the copied pyproject.toml means folders of its own.
    environment = {**kept, "RUN_ENDED_HOME": str(home), "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/plugins"}
    program = ["-c", SIDE_BY_SIDE] if side_by_side else ["-m", "pytest"]
    command = [sys.executable, *program, str(home / "test_waits.py"), "-p", "no:cacheprovider"]
    with (home / "output").open("wb") as output:
        run = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Who runs the tests by `nohup` has it ignored, and hands that down.
            preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
        )
    end = time.monotonic() + STARTED_WITHIN
    while not (home / "here").exists():
        assert run.poll() is None, (home / "output").read_text()
        assert time.monotonic() < end, (home / "output").read_text()
        time.sleep(0.1)
    return run


def _of(home: Path) -> list[psutil.Process]:
    """The living processes that the run has started: by what they inherited, where they work, what they are called."""
    found = []
    folder = (home / "here").read_text()
    for process in psutil.process_iter(["name"]):
        try:
            inherited = process.environ().get("RUN_ENDED_HOME") == str(home)
            places = " ".join([process.cwd(), *process.cmdline()])
            if (inherited or str(home) in places or folder in places) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _names(home: Path) -> list[str]:
    return [one.info["name"] for one in _of(home)]


@pytest.mark.parametrize(
    ("number", "side_by_side"),
    [("SIGHUP", False), ("SIGTERM", True), ("SIGKILL", True)],
    ids=["hup", "term-side-by-side", "kill-side-by-side"],
)
def test_a_test_run_that_is_ended_leaves_nothing(home: Path, number: str, side_by_side: bool) -> None:
    run = _run(home, side_by_side=side_by_side)
    assert "postgres" in _names(home), "the test looked at too few processes"
    assert len(_names(home)) > 8, "the test looked at too few processes"
    run.send_signal(signal.Signals[number])
    run.wait(GONE_WITHIN)
    if number != "SIGKILL":
        assert _of(home) == [], "they were still there when the run had ended"
    end = time.monotonic() + GONE_WITHIN
    while left := _of(home):
        assert time.monotonic() < end, left
        time.sleep(0.2)
    folder = Path((home / "here").read_text())
    while folder.exists():
        assert time.monotonic() < end, "the server's data was left behind"
        time.sleep(0.2)


#: Its time limit is an exception in its main thread: here the signal that would raise it does not come through.
LOST = """
import signal, time
import pytest
import tests.lost_run
tests.lost_run.AFTER_ITS_LIMIT = 1.0
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])

@pytest.mark.timeout(5)
def test_that_is_lost():
    time.sleep(600)
"""


def test_a_process_of_the_tests_that_is_lost_is_ended_and_fails_the_run(home: Path) -> None:
    (home / "test_lost.py").write_text(LOST)
    (home / "test_fine.py").write_text("def test_fine(): pass\n")
    shutil.copy(REPOSITORY / "pyproject.toml", home)
    (home / "conftest.py").write_text("from tests.conftest import *\n")
    paths = [str(home / "test_lost.py"), str(home / "test_fine.py")]
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/plugins"}
    command = [sys.executable, "-c", SIDE_BY_SIDE, *paths, "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=STARTED_WITHIN
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "in test_that_is_lost" in done.stdout, "it does not say where it was lost"
    *_, error, last = done.stdout.splitlines()
    assert error.startswith("ERROR ")
    assert re.search(r" 1 passed, .*1 error in ", last), last


@pytest.mark.parametrize("program", ["bench", "tests.servers"])
def test_the_other_programs_that_start_servers_are_guarded_too(home: Path, program: str) -> None:
    """Ended as soon as their database is there: what they measure takes minutes."""
    arguments = {"bench": ["--quick", "--only", "engine"], "tests.servers": ["haraka"]}[program]
    here = {**os.environ, "RUN_ENDED_HOME": str(home)}
    with (home / "output").open("wb") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            cwd=REPOSITORY,
            env=here,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (home / "here").write_text(str(home))
    end = time.monotonic() + STARTED_WITHIN
    while "postgres" not in _names(home):
        assert run.poll() is None, (home / "output").read_text()
        assert time.monotonic() < end, (home / "output").read_text()
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(GONE_WITHIN) == 130, (home / "output").read_text()
    assert _of(home) == [], (home / "output").read_text()


def test_the_mark_of_a_run_reaches_what_a_stack_is_started_with() -> None:
    from tests.acceptance.stack_process import StackProcess

    stack = StackProcess()
    try:
        assert stack.environment[MARK] == os.environ[MARK], "a stack would outlive a run that was killed"
    finally:
        stack.remove()
