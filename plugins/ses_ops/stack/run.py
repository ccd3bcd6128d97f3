"""`make run`: the whole stack in the foreground.

The exit code is 0 after Ctrl-C, and 1 after a problem, which is printed in one line.
"""

from __future__ import annotations

import sys

from ses_ops.errors import SesError
from ses_ops.stack.display import make_display
from ses_ops.stack.local_stack import LocalStack


def main() -> int:
    """Run until the person stops the stack; returns the exit code."""
    display = make_display()
    try:
        LocalStack.from_environment(display).run()
    except SesError as error:
        display.close()
        print(f"make run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
