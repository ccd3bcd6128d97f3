"""`make test`: the tests of the whole stack, which mostly wait, in one process, and beside them all others in a second.

Two cores are enough for both. Every argument goes to both pytests; the output of the second comes at the end.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

WHOLE_STACK = ["tests/acceptance"]
OTHERS = ["tests", "--ignore=tests/acceptance"]
#: pytest's exit code when no test was selected: fine for one of the two.
NOTHING_SELECTED = 5


def main(arguments: list[str]) -> int:
    """The worse of the two exit codes; NOTHING_SELECTED only when neither had a test."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with tempfile.TemporaryFile() as output:
        others = subprocess.Popen([*pytest, *OTHERS], stdout=output, stderr=subprocess.STDOUT)
        try:
            whole_stack = subprocess.run([*pytest, *WHOLE_STACK], check=False).returncode
        finally:
            codes = [others.wait()]
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
    codes.append(whole_stack)
    ran = [code for code in codes if code != NOTHING_SELECTED]
    return max(map(abs, ran), default=NOTHING_SELECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
