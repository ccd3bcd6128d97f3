"""Every command with `--json`, as a program runs it, with an Airflow that writes a log: stdout is the answer alone.

An import of Airflow takes seconds. `make test-full` pays them for each command, as a person does; `make test` for the
commands in ALONE, and the others are forked from a process that has imported it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from cryptography.fernet import Fernet

import tests.airflow_environment as environment
from ses_ops.cli.main import cli
from tests.sizes import FULL

TASK = """
name: sale
type: scheduled
start_at: 2090-01-01 10:00
time_zone: UTC
template: hello
sender: news@mail.example.com
group: customers
"""
PEOPLE = "address,name\nanna@example.com,Anna\nnobody,Bo\n"
#: Each command with `--json`: its arguments, and the kind of its answer. In this order: later ones use what earlier
#: ones made. A new command needs a line here.
COMMANDS: dict[str, tuple[tuple[str, ...], type]] = {
    "group import": (("customers", "people.csv"), dict),
    "group list": ((), list),
    "group show": (("customers",), dict),
    "template list": ((), list),
    "template check": ((), list),
    "template preview": (("hello",), dict),
    "template write": (("welcome", "--subject", "Hi {{ name }}", "--text", "people.csv"), dict),
    "template versions": (("welcome",), list),
    "task apply": (("sale.yaml",), list),
    "task list": ((), list),
    "task show": (("sale",), dict),
    "task messages": (("sale",), list),
    "task starts": (("sale",), list),
    "task forecast": (("sale",), dict),
    "quota show": ((), list),
    "domain list": ((), list),
    "domain show": (("mail.example.com",), dict),
    "domain set": (("mail.example.com", "--bounce-domain", "bounces.mail.example.com"), dict),
    "domain pin": (("mail.example.com", "5", "--reason", "a known list"), dict),
    "domain unpin": (("mail.example.com", "--reason", "its figures are good"), dict),
    "domain cap": (("mail.example.com", "8", "--reason", "the server takes no more"), dict),
    "domain block": (("mail.example.com", "--reason", "a wrong list"), dict),
    "domain release": (("mail.example.com", "--reason", "the list was cleaned"), dict),
    "domain reset": (("mail.example.com", "--reason", "a new list"), dict),
    "domain replay": (("mail.example.com",), dict),
    "key create": (("shop", "--scope", "send", "--domain", "mail.example.com"), dict),
    "key list": ((), list),
    "callback add": (("crm", "http://127.0.0.1:9/events"), dict),
    "callback list": ((), list),
    "callback show": (("crm",), dict),
    "callback rotate": (("crm",), dict),
    "callback deliveries": ((), dict),
    "callback replay": (("crm", "--from", "2026-01-01"), dict),
    "stats links": (("sale",), list),
    "stats hours": (("sale",), list),
    "stats who": (("sale",), list),
    "stats compare": (("sale", "sale"), list),
    "suppression list": ((), list),
    "test-send": (("--template", "hello", "--sender", "news@mail.example.com", "--to", "me@example.com"), dict),
    "message find": (("me@example.com",), list),
    "message list": (("--tag", "code"), list),
    "message show": (("1.1",), dict),
    "events feeds": ((), dict),
    "events read": (("returned.eml",), dict),
    "events unmatched": ((), list),
    "events show": (("1",), dict),
    "events reread": ((), dict),
    "events recount": ((), dict),
    "events reclassify": ((), dict),
    "suppression held": ((), list),
    "tokens list": ((), list),
    "tokens rotate": ((), dict),
    "person show": (("anna@example.com",), dict),
    "person erase": (("anna@example.com",), dict),
    "airflow-rights": ((), dict),
    "airflow-sync": ((), dict),
    "doctor": ((), list),
    "restore": ((), dict),
}
#: What answers only while `ses deliver callbacks` runs, or needs a message of the API (tests/integration/cli:
#: test_callback_commands.py, test_single_message_commands.py).
ELSEWHERE = ("callback test", "message cancel", "message resend")
#: Each kind of need of Airflow: DAGs written to it, its log of mail, a Variable, an entry of the audit log, nothing.
ALONE = ("task apply", "test-send", "quota show", "domain set", "doctor", "task list")
#: What most of the others import of Airflow.
IMPORTED = ("models.variable", "models.log", "models.dagrun", "api_fastapi.app", "jobs.job", "plugins_manager")

FORKING = """
import importlib, json, os, sys
from ses_ops.cli.main import run
from ses_ops.cli.session import ask_airflow

ask_airflow(lambda control: [importlib.import_module(f"airflow.{name}") for name in sys.argv[1:]])
for line in sys.stdin:
    if not (pid := os.fork()):
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), number)
        code = run(json.loads(line))
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def _with_json(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands of the tree that have the option."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _with_json(command, (*path, name))
        elif any("--json" in option.opts for option in command.params):
            yield " ".join((*path, name))


def test_every_command_with_json_has_a_line() -> None:
    assert sorted(_with_json(cli)) == sorted([*COMMANDS, *ELSEWHERE])


@pytest.fixture
def run(world, airflow_db, tmp_path: Path) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """`ses` in a process of its own, with an Airflow that logs as much as it does by default.

    Returns exit code, stdout and stderr.
    """
    settings = {name: value for name, value in environment.SETTINGS.items() if "LOGGING_LEVEL" not in name}
    uri = airflow_db.replace("postgresql://", "postgresql+psycopg2://", 1)
    whole = {**os.environ, **settings, environment.DATABASE: uri, "SES_HOME": str(tmp_path / "home")}
    whole["SES_CALLBACK_ALLOW"] = "127.0.0.0/8"
    whole["AIRFLOW__CORE__FERNET_KEY"] = Fernet.generate_key().decode()
    whole.pop("AIRFLOW__LOGGING__LOGGING_LEVEL", None)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", FORKING, *IMPORTED], env=whole, cwd=tmp_path, **pipes) as forking:

        def call(command: str, *arguments: str) -> tuple[int, str, str]:
            line = [*command.split(), *arguments]
            if FULL or command in ALONE:
                program = str(Path(sys.executable).with_name("ses"))
                done = subprocess.run([program, *line], capture_output=True, text=True, env=whole, cwd=tmp_path)
                return done.returncode, done.stdout, done.stderr
            forking.stdin.write(json.dumps(line) + "\n")
            forking.stdin.flush()
            code = int(forking.stdout.readline())
            return code, (tmp_path / "stdout").read_text(), (tmp_path / "stderr").read_text()

        yield call


#: Sixty programs that load Airflow: two minutes of CPU, of which this part of the tests may get a quarter of a core.
@pytest.mark.timeout(1_800)
def test_stdout_is_the_answer_alone(run, world, synced, tmp_path: Path) -> None:
    """With the DAG files known to Airflow (`synced`), a new task is written to it at once: what logs most."""
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "returned.eml").write_bytes(b"From: <>\nSubject: Undelivered\n\nWe could not deliver it.\n")
    (tmp_path / "sale.yaml").write_text(TASK)
    (world.templates / "hello" / "sample.json").write_text(json.dumps({"name": "Ann"}))
    from airflow.models.variable import Variable

    entries = {domain: {**entry, "plan": "reputation"} for domain, entry in world.quota_variable.items()}
    Variable.set("ses_warmup_quota", json.dumps(entries))
    for command, (arguments, kind) in COMMANDS.items():
        code, stdout, stderr = run(command, *arguments, "--json")
        said = f"ses {command}: {code}\n{stdout}\n{stderr}"
        answer = parsed(stdout, said)
        assert isinstance(answer, kind), said
        assert code == 0 or command == "doctor", said
        assert "[info" not in stderr, f"a person would read Airflow's log: {said}"
    assert "send_task__sale" in dags(), "Airflow was not told of the task: this test saw less than a person does"


def parsed(text: str, said: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as problem:
        raise AssertionError(f"no JSON ({problem}): {said}") from problem


def dags() -> set[str]:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        return {one.dag_id for one in session.query(DagModel)}
