"""One stack for all tests of this folder: what the first `make run` starts, with its sample."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.stack_process import StackProcess

#: Besides the sample's own sender domain, each with mail that must not wait for the sample's quota.
DOMAINS = {
    # A rehearsal day of 20 s, which begins with the first mail: nothing asks that a run is over within it.
    "letters.example.com": {"plan": [500], "day_length": "PT20S"},
    "stopped.example.com": {"plan": [1_000_000]},
}
_VARIABLE = "/api/v2/variables/ses_warmup_quota"


@pytest.fixture(scope="package")
def first_stack() -> Iterator[StackProcess]:
    """As a newcomer has it, but for a second user of the web page; more domains are added when it runs."""
    running = StackProcess(settings={"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,ann:viewer"})
    try:
        running.start_and_wait()
        token = running.token()
        _, variable = running.call("GET", _VARIABLE, token=token)
        plans = {name: {"started_on": "2026-01-01", "time_zone": "UTC", **plan} for name, plan in DOMAINS.items()}
        value = json.dumps({**json.loads(variable["value"]), **plans})
        status, answer = running.call("PATCH", _VARIABLE, {"key": "ses_warmup_quota", "value": value}, token=token)
        assert status == 200, answer
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def stack(first_stack: StackProcess) -> StackProcess:
    """It runs, whatever the tests of another file have done to it."""
    assert first_stack.process is not None
    if first_stack.process.poll() is not None:
        first_stack.start_and_wait()
    return first_stack
