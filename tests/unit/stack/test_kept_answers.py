"""What the simulator has not done when the mailbox ends is kept, also what comes while it ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from ses_ops.stack.mailbox.answers import Answers
from tests.acceptance.stack_process import free_port
from tests.unit.stack.test_simulated import RAW, SENDER


@pytest.mark.parametrize("before", [[], ["bounce@a.example"]])
def test_an_answer_that_is_begun_while_the_mailbox_ends_is_kept(tmp_path: Path, before: list[str]) -> None:
    kept = tmp_path / "pending.jsonl"

    def answers() -> Answers:
        return Answers(bounce_port=free_port(), public_url=None, kept=kept)

    async def run() -> None:
        ending = answers()
        for recipient in before:
            ending.begin(SENDER, (recipient,), RAW)
        ending.close()
        ending.begin(SENDER, ("complaint@a.example", "ok@a.example"), RAW)
        await asyncio.sleep(0.1)

    asyncio.run(run())
    wanted = [*before, "complaint@a.example"]
    assert [json.loads(line)["recipient"] for line in kept.read_text("utf-8").splitlines()] == wanted

    async def again() -> None:
        started = answers()
        started.resume()
        assert not kept.exists()
        started.close()

    asyncio.run(again())
    assert [json.loads(line)["recipient"] for line in kept.read_text("utf-8").splitlines()] == wanted
