"""The receiver in docs/callbacks.md takes what the deliverer posts, refuses what is forged, and takes nothing twice."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.message_event import EventKind
from tests.acceptance.stack_process import free_port
from tests.integration.callbacks.delivering import SOMEBODY, deliverer, endpoint, until, waiting
from tests.integration.events.mailing import sent

DOCUMENT = Path(__file__).parents[3] / "docs" / "callbacks.md"


def test_the_receiver_of_the_document_verifies_and_takes_each_event_once(world, tmp_path):
    port = free_port()
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S) if "do_POST" in one]
    program = tmp_path / "receiver.py"
    program.write_text(code.replace("9000", str(port)))
    url = f"http://127.0.0.1:{port}/"
    secret = endpoint(world, url).secret
    mailing = sent(world, "spring", ["anna@example.org"])
    command = [sys.executable, "-u", str(program)]
    with subprocess.Popen(command, env={"CALLBACK_SECRETS": f"whsec_AAAA {secret}"}, stdout=subprocess.PIPE) as process:
        try:
            until(lambda: answered(url) == 401)
            mailing.record(mailing.event(1, EventKind.DELIVERED))
            with deliverer(world.dsn):
                until(lambda: waiting(world) == 0)
                ((key,),) = world.rows("SELECT event_key::text FROM callback_delivery")
                decisions.replay(world.conn, SOMEBODY, "hook", event_key=key)
                until(lambda: waiting(world) == 0)
        finally:
            process.terminate()
        assert process.stdout is not None
        assert process.stdout.read().decode().split("\n") == ["message.delivered anna@example.org", ""]
    assert world.rows("SELECT status FROM callback_delivery") == [(204,), (204,)]


def answered(url: str) -> int | None:
    """The status of a post that nobody signed; None while nobody listens."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None
