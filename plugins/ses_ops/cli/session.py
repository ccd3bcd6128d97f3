"""What commands work on: the ses database, the quota Variable, and Airflow if it can be reached."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from ses_ops import settings
from ses_ops.cli.output import note
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import connection as Connection

_STDOUT, _STDERR = 1, 2
_AIRFLOW_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


class SeveralProblems(SesError):
    """More than one thing is wrong; each is shown on a line of its own."""

    def __init__(self, problems: list[SesError]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


@contextmanager
def database() -> Iterator[Connection]:
    """A connection to the ses database. Raises SesError when there is none."""
    from ses_ops.storage.connection import connected

    with connected(settings.db_dsn(), application="ses command line") as conn:
        yield conn


def airflow_is_configured() -> bool:
    """Whether there is an Airflow to ask, as far as can be told without importing it."""
    if any(os.environ.get(_AIRFLOW_DATABASE + ending) for ending in ("", "_CMD", "_SECRET")):
        return True
    return bool(settings.airflow_environment())


def cheap_quota_variable() -> str | None:
    """The quota Variable if the environment sets it; None when Airflow would have to be asked."""
    given = os.environ.get(settings.WARMUP_QUOTA)
    return given if given is not None else settings.airflow_environment().get(settings.WARMUP_QUOTA)


def quota_variable() -> str | None:
    """The quota Variable as text, None when it is not set. Raises SesError when Airflow cannot be asked."""
    given = cheap_quota_variable()
    return given if given is not None else ask_airflow(lambda control: control.read_quota_variable())


def ask_airflow(question: Callable[[Any], Any]) -> Any:
    """Call `operators.airflow_control`, importing Airflow now. Whatever goes wrong there is a SesError."""
    try:
        with _airflow_is_quiet():
            from ses_ops.operators import airflow_control

            return question(airflow_control)
    except SesError:
        raise
    except (Exception, SystemExit) as cause:  # Airflow ends the process over some of its settings
        raise SesError(f"Airflow cannot be used: {type(cause).__name__}: {cause}") from cause


@contextmanager
def _airflow_is_quiet() -> Iterator[None]:
    """Keep Airflow's log out of a command's answer: it writes to what is stdout when it is imported.

    What is left of it (errors; all of it with SES_DEBUG) goes to stderr, as does what a program that it starts writes.
    """
    if not os.environ.get("SES_DEBUG"):
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    sys.stdout.flush()
    answer = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(answer, _STDOUT)
        os.close(answer)


def tell_airflow(action: Callable[[Any], Any], *, otherwise: str, unknown: str | None = None) -> bool:
    """Call `operators.airflow_control` if Airflow can be reached; else say what will happen without it.

    `unknown` is said when Airflow answers that it has no such thing.
    """
    if not airflow_is_configured():
        note(f"no Airflow was found; {otherwise}")
        return False
    try:
        action_result = ask_airflow(action)
    except SesError as problem:
        note(f"Airflow could not be told ({problem}); {otherwise}")
        return False
    if action_result is False and unknown is not None:
        note(unknown)
    return action_result is not False
