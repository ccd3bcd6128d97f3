"""The process `ses deliver callbacks`: it posts, ends what it has begun at SIGTERM, and its log has no secret."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from ses_ops.domain.message_event import EventKind
from tests.callback_receiver import receiver
from tests.integration.callbacks.delivering import endpoint, waiting
from tests.integration.events.mailing import sent


def test_the_process_posts_until_it_is_asked_to_end_and_says_no_secret(world, tmp_path):
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(1, 31)])
    with receiver(delay=0.1) as hook:
        secret = endpoint(world, hook.url + "/path-9f3?token=tok-9f3", concurrency=2).secret
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 31)))
        env = {**os.environ, "AIRFLOW_CONN_SES_DB": world.dsn, "SES_CALLBACK_ALLOW": "127.0.0.0/8"}
        env |= {"AIRFLOW_HOME": str(tmp_path), "SES_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "ses_ops.cli.main", "deliver", "callbacks"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                hook.wait_for(lambda: len(hook.posts) >= 5, 60)
                hook.answer = 503
                hook.wait_for(lambda: len(hook.posts) >= 12, 60)
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 0, said
    assert "endpoint hook fails: 503" in said
    assert not {one for one in (secret, "path-9f3", "tok-9f3", "example.org") if one in said}
    delivered = world.rows("SELECT count(*)::int FROM callback_delivery")[0][0]
    tried = world.rows("SELECT coalesce(sum(tries), 0)::int FROM callback_waiting")[0][0]
    assert delivered + tried == len(hook.posts), "what was begun has ended and is written"
    assert waiting(world) == 30 - delivered
