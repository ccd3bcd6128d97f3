"""`make run` from start to end. The tests follow one stack through its life, in the order of this file."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from ses_ops.storage.connection import connected
from ses_ops.storage.tasks.overview import list_tasks
from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import ANSWERED_WITHIN, StackProcess

#: Seconds: senders have 20, what they need 10 each and PostgreSQL what it writes down; some seconds are usual, and a
#: busy machine takes longer for all that has no limit of its own.
STOPPED_WITHIN = 120.0
#: More than leave until somebody presses Ctrl-C.
RECIPIENTS = 10_000

MakeStack = Callable[..., StackProcess]


def test_a_taken_port_gives_one_line_that_names_it_and_its_setting(make_stack: MakeStack) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        stack = make_stack(SES_SMTP_PORT=str(taken))
        stack.start()
        assert stack.wait() != 0
    lines = [line for line in stack.output.splitlines() if line.startswith("make run:")]
    assert len(lines) == 1
    assert str(taken) in lines[0]
    assert "SES_SMTP_PORT" in lines[0]
    assert not (stack.home / "postgres").exists(), "something was started before the ports were looked at"


def test_a_setting_that_is_no_port_gives_one_line(make_stack: MakeStack) -> None:
    stack = make_stack(SES_WEB_PORT="eighty")
    stack.start()
    assert stack.wait() != 0
    assert "make run: SES_WEB_PORT: 'eighty' is not a port" in stack.output


def test_the_stack_becomes_healthy(stack: StackProcess) -> None:
    status, health = stack.call("GET", "/api/v2/monitor/health")
    assert status == 200
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    assert {part: health[part]["status"] for part in parts} == dict.fromkeys(parts, "healthy")


def test_only_the_generated_password_opens_the_web_page(stack: StackProcess) -> None:
    assert stack.call("GET", "/api/v2/dags")[0] == 401
    assert stack.call("POST", "/auth/token", {"username": "admin", "password": "admin"})[0] == 401
    assert stack.call("GET", "/api/v2/dags", token=stack.token())[0] == 200
    wait_for(lambda: f"password {stack.password}" in stack.output, "the password among what is shown", 120)


def test_the_password_of_a_further_user_is_in_the_secrets_folder_only(stack: StackProcess) -> None:
    word = _word_of_ann(stack)
    assert stack.call("POST", "/auth/token", {"username": "ann", "password": word})[0] == 201
    holders = [file for file in _files_below(stack.home) if word.encode() in _content(file)]
    assert holders == [stack.home / "secrets" / "web_passwords.json"]
    wait_for(lambda: "ann: passwords in" in stack.output, "the place of the password among what is shown", 120)
    assert word not in stack.output


def test_what_is_private_is_readable_by_its_owner_alone(stack: StackProcess) -> None:
    files = [stack.home / "stack.json", stack.home / "pids.json", *(stack.home / "secrets").iterdir()]
    assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in files} == {"0o600"}


def test_the_stack_listens_on_the_loopback_address_only(stack: StackProcess) -> None:
    addresses = set()
    for process in stack.processes():
        # The DAG processor's children live for a second.
        with suppress(psutil.NoSuchProcess):
            connections = process.net_connections("inet")
            addresses |= {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}


def test_the_output_of_a_pipe_has_no_escape_sequences(stack: StackProcess) -> None:
    assert "\x1b" not in stack.output


def test_a_second_run_in_the_same_place_is_refused_in_one_line(stack: StackProcess) -> None:
    second = StackProcess(settings=stack.settings, home=stack.home)
    second.output_file = stack.home.with_name(stack.home.name + ".second.log")
    second.start()
    assert second.wait() != 0
    assert f"make run: already running in SES_HOME ({stack.home})" in second.output
    second.output_file.unlink()
    assert stack.call("GET", "/api/v2/monitor/health")[0] == 200, "the second run disturbed the first"
    assert (stack.home / "stack.json").exists()


def test_mail_to_the_local_smtp_port_is_in_the_mailbox(stack: StackProcess) -> None:
    with smtplib.SMTP("127.0.0.1", int(stack.settings["SES_SMTP_PORT"])) as smtp:
        smtp.sendmail("a@mail.example", ["kept@shoppers.example"], "Subject: kept\r\n\r\nhello\r\n")
    assert _kept(stack) == ["kept"]


def test_the_public_listener_is_there_and_nothing_of_airflow_is_reachable_by_it(stack: StackProcess) -> None:
    def status(path: str) -> int:
        return httpx.get(stack.url(path, port="SES_PUBLIC_PORT"), trust_env=False, timeout=ANSWERED_WITHIN).status_code

    shown = f"Public    {stack.url('', port='SES_PUBLIC_PORT')}  ("
    wait_for(lambda: shown in stack.output, "the address of the public listener", 120)
    assert (status("/health"), status("/api/v2/monitor/health"), status("/ses"), status("/")) == (200, 404, 404, 404)


def test_ctrl_c_in_the_midst_of_a_mailing_leaves_no_process_and_no_doubt(stack: StackProcess, tmp_path: Path) -> None:
    """On a machine that has more to do than it can."""
    stack.call("POST", "/api/v2/variables", {"key": "kept", "value": "yes"}, token=stack.token())
    _start_mailing(stack, tmp_path)
    tree = psutil.Process(stack.supervisor().pid).children(recursive=True)
    assert len(tree) > 8, "the test looked at too few processes"
    # Beside other parts of the tests it has more to do already.
    idle = 2 * (os.cpu_count() or 2) - round(os.getloadavg()[0])
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(idle)]
    try:
        began = time.monotonic()
        stack.interrupt()
        stack.wait(STOPPED_WITHIN)
        seconds = time.monotonic() - began
    finally:
        for one in burning:
            one.kill()
            one.wait()
    assert [one for one in tree if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert stack.processes() == []
    assert not (stack.home / "stack.json").exists()
    assert "Stopped." in stack.output
    assert seconds < STOPPED_WITHIN


def test_a_second_start_goes_on_with_the_same_data(stack: StackProcess) -> None:
    passwords = stack.password, _word_of_ann(stack)
    stack.start_and_wait()
    assert (stack.password, _word_of_ann(stack)) == passwords
    assert stack.call("GET", "/api/v2/variables/kept", token=stack.token())[1]["value"] == "yes"
    assert _kept(stack) == ["kept"]


def test_a_mailing_that_was_stopped_goes_on_with_no_message_in_doubt(stack: StackProcess) -> None:
    with connected(str(stack.description["db_dsn"])) as conn:

        def finished() -> bool:
            (one,) = list_tasks(conn, name="stopped")
            conn.rollback()
            assert one.unknown_count == 0, "Ctrl-C left messages of which nobody knows whether they arrived"
            return str(one.status) == "finished"

        wait_for(finished, "end of the mailing that Ctrl-C had stopped", 240, every=0.5)
    assert stack.mailbox("/api/messages?to=@stopped.example&limit=0")["count"] == RECIPIENTS


def test_after_a_kill_9_of_the_supervisor_the_next_start_recovers(stack: StackProcess) -> None:
    stack.supervisor().kill()
    assert stack.wait() != 0
    stack.start_and_wait()
    assert stack.call("GET", "/api/v2/variables/kept", token=stack.token())[1]["value"] == "yes"
    # Twice: one whose parent is just ending has none for a moment.
    assert not _strays(stack) & _strays(stack), "processes of the killed run still work on this SES_HOME"


def test_the_death_of_one_component_stops_all_and_is_named(stack: StackProcess) -> None:
    children = stack.supervisor().children()
    mailbox = next(one for one in children if "ses_ops.stack.mailbox.server" in one.cmdline())
    mailbox.send_signal(signal.SIGKILL)
    assert stack.wait(STOPPED_WITHIN) != 0
    assert "make run: mailbox was killed by SIGKILL" in stack.output
    assert stack.processes() == []


def _start_mailing(stack: StackProcess, folder: Path) -> None:
    """Returns when it is in full swing."""
    (folder / "people.csv").write_text(
        "email,name,customer_id,coupon\n" + "".join(f"n{n}@stopped.example,N,{n},C\n" for n in range(RECIPIENTS))
    )
    (folder / "task.yaml").write_text(
        "name: stopped\ntype: immediate\ntemplate: newsletter\nsender: news@stopped.example.com\ngroup: people\n"
        'unsubscribe_url: "https://shop.example.com/u?{{ customer_id }}"\n'
    )
    done = stack.ses("group", "import", "people", str(folder / "people.csv"))
    assert done.returncode == 0, done.stderr
    # Not waited for: on a busy machine it tells Airflow of the task for longer than the mailing takes.
    program = Path(sys.executable).with_name("ses")
    subprocess.Popen([str(program), "task", "apply", str(folder / "task.yaml")], env=stack.environment)
    wait_for(
        lambda: stack.mailbox("/api/messages?to=@stopped.example&limit=0")["count"] > 500,
        "mail of the mailing",
        240,
        every=0.2,
    )


def _files_below(folder: Path) -> list[Path]:
    """Its files, while a stack makes and removes some."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def _content(file: Path) -> bytes:
    """What it has in it; nothing if it is a socket, or has gone meanwhile."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""


def _word_of_ann(stack: StackProcess) -> str:
    return str(json.loads((stack.home / "secrets" / "web_passwords.json").read_text())["ann"])


def _strays(stack: StackProcess) -> set[psutil.Process]:
    """What works on the stack's data and is not below its supervisor."""
    supervisor, found = stack.supervisor(), set()
    for process in stack.processes():
        with suppress(psutil.Error):  # it has ended meanwhile
            if process.pid not in (supervisor.pid, os.getpid()) and supervisor not in process.parents():
                found.add(process)
    return found


def _kept(stack: StackProcess) -> list[str]:
    found = stack.mailbox("/api/messages?to=kept@shoppers.example")
    return [message["subject"] for message in found["messages"]]
