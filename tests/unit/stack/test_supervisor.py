"""Stopping: the order, the stubborn, the children that ran away, and what a killed supervisor left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ses_ops.stack.leftovers import end_leftovers
from ses_ops.stack.places import Places
from ses_ops.stack.processes import ProcessIdentity
from ses_ops.stack.supervisor import SENDER_STOP_TIMEOUT

#: Ignores SIGTERM and starts a child in a session of its own that ignores it too.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)     # an orphan, in another session
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(home=tmp_path)
    made.create()
    return made


def _program(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]


def _alive(pids: list[int]) -> list[int]:
    def lives(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [pid for pid in pids if lives(pid)]


def _run(script: str, places: Places) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a supervisor takes the signals and the orphans of its process."""
    head = f"""
import os, signal, sys, time
from pathlib import Path
from ses_ops.stack.places import Places
from ses_ops.stack import supervisor as module
from ses_ops.stack.supervisor import *
places = Places(home=Path({str(places.home)!r}))
signal.signal(signal.SIGHUP, signal.SIG_DFL)    # under nohup it would be ignored
supervisor = Supervisor(places)
supervisor.take_signals()
def program(text): return [sys.executable, "-c", text]
env = dict(os.environ)
"""
    command = [sys.executable, "-c", head + textwrap.dedent(script)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)


def test_a_child_that_left_its_session_and_ignores_sigterm_is_ended_too(places: Places) -> None:
    result = _run(
        f"""
        module.STOP_TIMEOUT = module.SENDER_STOP_TIMEOUT = 1.0
        stubborn = {STUBBORN!r}
        supervisor.start("stubborn", program(stubborn), env)
        log, end = places.logs / "stubborn.log", time.monotonic() + 30
        while log.read_text().count("ready") < 2 or len(module.descendants()) != 2:
            assert time.monotonic() < end
            time.sleep(0.05)
        pids = [one.pid for one in module.descendants()]
        supervisor.stop()
        print(*pids)
        """,
        places,
    )
    pids = [int(pid) for pid in result.stdout.split()]
    assert len(pids) == 2
    assert _alive(pids) == []


#: Ends its child when it is asked to end, and goes when it is asked once more: as Airflow's triggerer.
TRIGGERER = """
import os, signal, sys, time
def first(*_):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(70))
    os.kill(runner, signal.SIGKILL)
signal.signal(signal.SIGTERM, first)
runner = os.fork()
print("ready", flush=True)
while True:
    if runner and os.waitpid(runner, os.WNOHANG)[0]:
        print("the runner has ended", flush=True)
        time.sleep(30)
    time.sleep(0.05)
"""


def test_a_triggerer_whose_runner_has_ended_is_not_waited_for(places: Places) -> None:
    result = _run(
        f"""
        triggerer = supervisor.start("triggerer", program({TRIGGERER!r}), env)
        while (places.logs / "triggerer.log").read_text().count("ready") < 2: time.sleep(0.05)
        supervisor.stop()
        print(triggerer.exit_code())
        """,
        places,
    )
    assert result.stdout == "70\n", "it was killed when the patience was over"


def test_the_scheduler_is_stopped_before_the_rest(places: Places) -> None:
    ends = places.home / "ends"
    result = _run(
        f"""
        text = '''
        import signal, sys, time
        def end(*_):
            time.sleep(0.3)
            open({str(ends)!r}, "a").write(sys.argv[1] + chr(10))
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        print("ready", flush=True)
        while True: time.sleep(1)
        '''
        import textwrap
        names = ["api-server", "scheduler"]
        for name in names:
            supervisor.start(name, program(textwrap.dedent(text)) + [name], env)
        while not all((places.logs / (name + ".log")).read_text() for name in names): time.sleep(0.05)
        supervisor.stop()
        """,
        places,
    )
    assert result.stderr == ""
    assert ends.read_text().split() == ["scheduler", "api-server"]


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_of_the_three_signals_asks_for_an_orderly_stop(places: Places, number: str) -> None:
    result = _run(
        f"""
        os.kill(os.getpid(), signal.{number})
        try:
            supervisor.pause(5)
        except StopRequested:
            print("asked")
        """,
        places,
    )
    assert result.stdout == "asked\n"


def test_the_death_of_a_component_is_told_with_the_end_of_its_log(places: Places) -> None:
    result = _run(
        """
        supervisor.start("short", program("print('the reason'); raise SystemExit(3)"), env)
        try:
            supervisor.pause(20)
        except ComponentDied as problem:
            print(problem)
        supervisor.stop()
        """,
        places,
    )
    assert re.fullmatch(r"short ended with exit code 3; the end of .*\nthe reason\n", result.stdout)


def test_a_killed_supervisor_takes_its_components_with_it(places: Places) -> None:
    script = """
        component = supervisor.start("sleeper", program("import time; time.sleep(60)"), env)
        print(component.identity.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with pytest.raises(subprocess.CalledProcessError) as killed:
        _run(script, places)
    pid = int(killed.value.stdout)
    end = time.monotonic() + 30
    while _alive([pid]):
        assert time.monotonic() < end, "the kernel did not tell the component"
        time.sleep(0.05)


@pytest.fixture
def stray(places: Places) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(_program("import time; time.sleep(60)"), cwd=places.airflow, start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_the_next_start_ends_what_was_written_down(places: Places, stray: subprocess.Popen[bytes]) -> None:
    created = psutil.Process(stray.pid).create_time()
    places.pids.write_text(json.dumps([{"name": "scheduler", "pid": stray.pid, "created": created}]))
    assert end_leftovers(places) == 1
    assert stray.wait(30) == -signal.SIGTERM
    assert end_leftovers(places) == 0


def test_a_reused_pid_is_never_killed(places: Places, stray: subprocess.Popen[bytes]) -> None:
    created = psutil.Process(stray.pid).create_time() - 3600
    places.pids.write_text(json.dumps([{"name": "scheduler", "pid": stray.pid, "created": created}]))
    end_leftovers(places)
    assert stray.poll() is None


def test_a_damaged_note_of_processes_is_no_obstacle(places: Places) -> None:
    places.pids.write_text("[{")
    assert end_leftovers(places) == 0


def test_an_identity_finds_its_process_only_while_it_lives() -> None:
    process = subprocess.Popen(_program("import time; time.sleep(60)"))
    identity = ProcessIdentity(name="x", pid=process.pid, created=psutil.Process(process.pid).create_time())
    assert identity.find() is not None
    process.kill()
    process.wait()
    assert identity.find() is None


#: As Airflow's LocalExecutor: its one worker, asked to end, ends its job and takes the next one that waits; a job does
#: not hear of a signal in its first moments, and needs a while to end in order.
SCHEDULER = """
import os, signal, sys, time
ends = sys.argv[1]
def job(number):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(0.5)
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    print("ready", flush=True)
    while not asked: time.sleep(0.05)
    time.sleep(0.7)
    open(ends, "a").write(f"job {number}\\n")
    os._exit(0)
def worker():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for number in range(3):
        child = os.fork()
        if child == 0: job(number)
        os.waitpid(child, 0)
    os._exit(0)
if os.fork() == 0: worker()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True: time.sleep(1)
"""
NEEDED = """
import signal, sys, time
def end(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True: time.sleep(1)
"""


def test_what_sends_ends_before_what_it_needs_whenever_it_began(places: Places) -> None:
    """Jobs that were forked after the stop began are found, asked to end, and waited for, before the mailbox is."""
    ends = places.home / "ends"
    result = _run(
        f"""
        module.SENDER_STOP_TIMEOUT = 60.0
        for name in module.NEEDED_BY_SENDERS:
            supervisor.start(name, program({NEEDED!r}) + [{str(ends)!r}, name], env)
        supervisor.start("scheduler", program({SCHEDULER!r}) + [{str(ends)!r}], env)
        names = ["scheduler", *module.NEEDED_BY_SENDERS]
        while not all((places.logs / (name + ".log")).read_text() for name in names): time.sleep(0.05)
        supervisor.stop()
        """,
        places,
    )
    assert result.stderr == ""
    assert ends.read_text().splitlines() == ["job 0", "job 1", "job 2", "api-server", "mailbox"]


def test_a_second_ctrl_c_waits_for_nobody(places: Places) -> None:
    result = _run(
        f"""
        stubborn = {STUBBORN!r}
        supervisor.start("scheduler", program(stubborn), env)
        while (places.logs / "scheduler.log").read_text().count("ready") < 2: time.sleep(0.05)
        import threading
        def said(line):  # not before: a Ctrl-C that came before the stop is the first one
            if line.startswith("Stopping"):
                threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        supervisor.stop(said)
        print(time.monotonic() - began, len(module.descendants()))
        """,
        places,
    )
    seconds, left = result.stdout.split()
    assert left == "0"
    assert float(seconds) < SENDER_STOP_TIMEOUT, "the second Ctrl-C was not heard"
