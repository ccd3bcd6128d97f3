"""A sender is measured by what it used itself, and several begin together."""

from __future__ import annotations

import sys
import time

import pytest

from bench.sent import measured, measured_child, run_sender, run_side_by_side

#: A sender of the benchmark's own in small: says that it is ready, waits for a line, tells what it did.
SENDER = """
import sys
print("ready", flush=True)
sys.stdin.readline()
print('{"messages": %s, "seconds": 0.5, "cpu_seconds": 0.25, "peak_mb": %s}')
"""


def test_a_foreign_program_is_measured_by_its_own_cpu_and_its_memory_is_not_guessed():
    child = measured_child(10, [sys.executable, "-c", "sum(range(3_000_000))"])
    assert child.cpu_seconds > 0
    assert child.seconds > 0
    assert child.peak_mb is None


def test_a_foreign_program_that_fails_is_named_with_its_words():
    with pytest.raises(RuntimeError, match="no server there"):
        measured_child(10, [sys.executable, "-c", "raise SystemExit('no server there')"])


def test_the_memory_of_a_sender_is_not_that_of_the_process_that_started_it():
    ballast = bytearray(150_000_000)
    measure = "from bench.sent import measured, say\nwith measured(1) as one: pass\nsay(one)"
    assert (run_sender([sys.executable, "-c", measure]).peak_mb or 0) < len(ballast) / 1e6


def test_a_block_knows_its_seconds():
    with measured(10) as block:
        time.sleep(0.01)
    assert block.seconds >= 0.01
    assert block.rate == 10 / block.seconds


def test_two_senders_begin_together_and_are_added_up():
    both = run_side_by_side([[sys.executable, "-c", SENDER % (30, 40)], [sys.executable, "-c", SENDER % (10, 60)]])
    assert (both.messages, both.cpu_seconds, both.peak_mb) == (40, 0.5, 60)
    assert both.seconds > 0


def test_a_sender_that_breaks_beside_another_is_named_with_its_words():
    with pytest.raises(RuntimeError, match="no such chunk"):
        run_side_by_side([[sys.executable, "-c", SENDER % (1, 1)], [sys.executable, "-c", "exit('no such chunk')"]])
