"""One stack for all tests of this folder: what the first `make run` starts, with its sample."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.stack_process import StackProcess

#: Besides the sample's own sender domain, each with mail that must not wait for the sample's quota.
DOMAINS = {
    # A rehearsal day of 30 s, the first of which begins with the first reservation: what has not left at a day's end
    # waits for another run. On a busy machine a run needs half of it.
    "letters.example.com": {"plan": [500], "day_length": "PT30S"},
    "stopped.example.com": {"plan": [1_000_000]},
    # Their day begins with the first mail, and does not end while the test runs.
    "members.example.com": {"plan": "reputation", "day_length": "PT2H"},
    "bought.example.com": {"plan": "reputation", "day_length": "PT2H", "start_level": 4},
}
#: Seconds.
MADE_WITHIN = 120
_VARIABLE = "/api/v2/variables/ses_warmup_quota"


@pytest.fixture(scope="package")
def first_stack() -> Iterator[StackProcess]:
    """As a newcomer has it, but for a second user of the web page; more domains are added when it runs."""
    running = StackProcess(settings={"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,ann:viewer"})
    try:
        running.start_and_wait()
        token = running.token()
        variable = _variable(running, token)
        plans = {name: {"started_on": "2026-01-01", "time_zone": "UTC", **plan} for name, plan in DOMAINS.items()}
        value = json.dumps({**json.loads(variable["value"]), **plans})
        status, answer = running.call("PATCH", _VARIABLE, {"key": "ses_warmup_quota", "value": value}, token=token)
        assert status == 200, answer
        yield running
    finally:
        running.remove()


def _variable(running: StackProcess, token: str) -> dict[str, Any]:
    """The sample's Variable, which `make run` makes a moment after it has described itself."""
    end = time.monotonic() + MADE_WITHIN
    while True:
        status, answer = running.call("GET", _VARIABLE, token=token)
        if status == 200:
            assert isinstance(answer, dict)
            return answer
        assert time.monotonic() < end, (status, answer)
        time.sleep(0.5)


@pytest.fixture(scope="module")
def stack(first_stack: StackProcess) -> StackProcess:
    """It runs, whatever the tests of another file have done to it."""
    assert first_stack.process is not None
    if first_stack.process.poll() is not None:
        first_stack.start_and_wait()
    return first_stack
