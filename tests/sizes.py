"""How much the tests try: `make test` what can be waited for, `make test-full` (SES_FULL=1) everything.

A test that takes a minute and whose subject hardly changes is marked `full` and left out of `make test`.
"""

from __future__ import annotations

import os
from pathlib import Path

#: In PYTHONPATH, a process takes a fifth less CPU to start (sitecustomize.py).
STARTUP = str(Path(__file__).with_name("startup"))
FULL = os.environ.get("SES_FULL") == "1"


def examples(full: int) -> int:
    """How many examples a property is tried with."""
    return full if FULL else max(full // 4, 12)


def size(full: int, quick: int) -> int:
    """Rows, rounds, messages."""
    return full if FULL else quick
