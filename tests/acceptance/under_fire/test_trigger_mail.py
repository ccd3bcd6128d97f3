"""Trigger mail on the whole stack: a code arrives while a large task is sending, and a DAG of one's own mails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from statistics import median

import httpx
import pytest

from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import StackProcess
from tests.acceptance.under_fire.conftest import CODES
from tests.acceptance.under_fire.mailing import SOON
from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer
from tests.sizes import size

#: Recipients of the task beside which codes are sent, and the number of codes.
RECIPIENTS, COUNT = size(1_000_000, 20_000), size(100, 20)
#: Seconds from the request to the mail server, for one code and for half of them. A second is what bulk mail may delay
#: trigger mail by; other tests want the same two cores, and any of the processes may stand still for seconds. A code
#: that waited for the bulk mail would take tens of them.
AT_MOST, MOSTLY = 30.0, 5.0
EXAMPLE = "example_order_mails"


@pytest.fixture(scope="module")
def world(
    stack: StackProcess, mail_server: RecordingServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    mail_server.at_once |= {"bulk", "code", "buyer", "readers"}
    # A world writes its template anew; the stack's own must not change while it is read.
    made = World(dsn=stack.description["db_dsn"], templates=tmp_path_factory.mktemp("templates-of-nobody"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def key(stack: StackProcess) -> dict[str, str]:
    made = stack.ses("key", "create", "shop", "--scope", "send", "--scope", "read", "--domain", CODES, "--json")
    assert made.returncode == 0, made.stderr
    return dict(json.loads(made.stdout))


@pytest.fixture(scope="module")
def client(stack: StackProcess, key: dict[str, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key['id']}:{key['secret']}"}
    url = stack.url("", port="SES_API_PORT")
    with httpx.Client(base_url=url, trust_env=False, timeout=30, headers=headers) as client:
        yield client


@pytest.mark.timeout(3600)
def test_a_sign_in_code_arrives_while_a_large_task_is_sending(
    stack: StackProcess, world: World, client: httpx.Client, mail_server: RecordingServer
) -> None:
    world.group("bulk", RECIPIENTS)
    world.task("bulk", group="bulk")
    wait_for(lambda: sent(mail_server, "bulk") >= 100, "the first bulk mail", SOON)
    took = []
    for number in range(COUNT):
        to = f"code-{number}@people.example"
        fields = {"from": f"codes@{CODES}", "to": to, "subject": "Your code", "text": f"{number:06}"}
        began = time.monotonic()
        answer = client.post("/v1/messages", json=fields, headers={"Idempotency-Key": f"code-{number}"})
        assert answer.status_code == 202, answer.text
        wait_for(lambda to=to: mail_server.accepted[to], f"the mail to {to}", SOON, every=0.005)
        took.append(mail_server.accepted_at[to] - began)
    still = RECIPIENTS - sent(mail_server, "bulk")
    print(f"codes: median {median(took):.3f} s, at most {max(took):.3f} s; {still:,} of {RECIPIENTS:,} were to come")
    assert still > 0, "the task had ended before the last code: nothing was shown"
    assert median(took) < MOSTLY
    assert max(took) < AT_MOST
    wait_for(lambda: world.overview("bulk").sent_count == RECIPIENTS, "the rest of the bulk mail", 3000)
    for name, count in (("bulk", RECIPIENTS), ("code", COUNT)):
        assert sent(mail_server, name) == count
        assert {times for to, times in mail_server.accepted.items() if to.startswith(f"{name}-")} == {1}


@pytest.mark.timeout(1200)
def test_a_dag_of_ones_own_mails_by_the_operators(
    stack: StackProcess, world: World, key: dict[str, str], mail_server: RecordingServer
) -> None:
    """The example DAG, by Airflow's scheduler, workers and triggerer: they have no metadata database."""
    token = stack.token()
    connection = {
        "connection_id": "ses_ops_api",
        "conn_type": "ses_ops_api",
        "host": "127.0.0.1",
        "schema": "http",
        "port": int(stack.settings["SES_API_PORT"]),
        "login": key["id"],
        "password": key["secret"],
    }
    status, answer = stack.call("POST", "/api/v2/connections", connection, token=token)
    assert status == 201, answer
    world.group("readers", 50)
    orders = [{"id": f"A-{number}", "email": f"buyer-{number}@people.example", "name": "Ann"} for number in range(3)]
    conf = {"orders": orders, "sender": f"Shop <orders@{CODES}>", "group": "readers", "template": "hello"}
    place = f"/api/v2/dags/{EXAMPLE}"
    wait_for(lambda: stack.call("GET", place, token=token)[0] == 200, "the example DAG", SOON)
    stack.call("PATCH", place, {"is_paused": False}, token=token)
    runs = f"{place}/dagRuns"
    for number in (1, 2):
        run_id = f"run-{number}"
        wanted = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        status, answer = stack.call("POST", runs, wanted, token=token)
        assert status == 200, answer
        wait_for(lambda run_id=run_id: ended(stack, runs, run_id, token), f"the end of {run_id}", SOON)
        for order in orders:
            assert mail_server.accepted[order["email"]] == number
        assert {mail_server.accepted[f"readers-{n}@customers.example"] for n in range(1, 51)} == {number}
    # What a person clears is done again, and nobody is mailed again.
    clear = {"dag_run_id": "run-2", "dry_run": False, "only_failed": False, "reset_dag_runs": True}
    status, answer = stack.call("POST", f"{place}/clearTaskInstances", clear, token=token)
    assert status == 200, answer
    wait_for(lambda: ended(stack, runs, "run-2", token), "the end of the cleared run", SOON)
    assert {mail_server.accepted[order["email"]] for order in orders} == {2}
    assert {mail_server.accepted[f"readers-{n}@customers.example"] for n in range(1, 51)} == {2}


def sent(mail_server: RecordingServer, name: str) -> int:
    """How many mails have arrived whose addresses begin with a name."""
    return sum(times for to, times in list(mail_server.accepted.items()) if to.startswith(f"{name}-"))


def ended(stack: StackProcess, runs: str, run_id: str, token: str) -> bool:
    _, run = stack.call("GET", f"{runs}/{run_id}", token=token)
    assert run["state"] != "failed", _log_of(stack)
    return bool(run["state"] == "success")


def _log_of(stack: StackProcess) -> str:
    """The logs of the tasks of the example."""
    files = sorted((stack.home / "logs" / "airflow").rglob(f"*{EXAMPLE}*/**/*.log"))
    return "\n".join(f"{one}\n{one.read_text(errors='replace')[-3000:]}" for one in files)
