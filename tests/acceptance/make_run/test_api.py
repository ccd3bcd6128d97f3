"""The API of `make run`: its address and a first key are shown, a sign-in code is in the mailbox within seconds."""

from __future__ import annotations

import re
import time

import httpx

from tests.acceptance.celery_machines import wait_for
from tests.acceptance.stack_process import ANSWERED_WITHIN, StackProcess

MESSAGE = {
    "from": "Shop <code@codes.example.com>",
    "to": ["me@people.example"],
    "subject": "Your code",
    "text": "It is 123 456.",
}


def test_the_first_key_is_shown_once_and_sends_a_message_within_seconds(stack: StackProcess) -> None:
    url = stack.url("", port="SES_API_PORT")
    wait_for(lambda: f"API       {url}  (" in stack.output, "the address of the API", 120)
    wait_for(lambda: "Ctrl-C stops everything" in stack.output, "the last line of what is shown", 120)
    keys = re.findall(r"API key   (AKID\w{32}:\w{32}) ", stack.output)
    assert len(keys) == 1
    headers = {"Authorization": f"Bearer {keys[0]}"}
    client = httpx.Client(base_url=url, trust_env=False, timeout=ANSWERED_WITHIN, headers=headers)
    assert client.get("/health").json()["status"] == "ok"
    began = time.monotonic()
    answer = client.post("/v1/messages", json=MESSAGE)
    assert answer.status_code == 202, answer.text
    wait_for(lambda: stack.mailbox("/api/messages?to=me@people.example")["count"] == 1, "the code", 120)
    print(f"in the mailbox after {time.monotonic() - began:.2f} s")
    secret = keys[0].partition(":")[2]
    logs = "".join(one.read_text(errors="replace") for one in stack.home.glob("logs/*.log"))
    assert secret not in logs
    assert "people.example" not in (stack.home / "logs" / "api.log").read_text()
    listed = stack.ses("key", "list", "--json")
    assert '"first"' in listed.stdout
    assert secret not in listed.stdout


def test_a_key_of_the_command_line_is_taken_at_once(stack: StackProcess) -> None:
    made = stack.ses("key", "create", "shop", "--scope", "send", "--domain", "codes.example.com", "--json")
    assert made.returncode == 0, made.stderr
    key = httpx.Response(200, text=made.stdout).json()
    headers = {"Authorization": f"Bearer {key['id']}:{key['secret']}"}
    url = stack.url("/v1/key", port="SES_API_PORT")
    answer = httpx.get(url, headers=headers, trust_env=False, timeout=ANSWERED_WITHIN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scopes"] == ["send"]
