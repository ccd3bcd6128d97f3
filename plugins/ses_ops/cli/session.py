"""The resources of a command: ses database, quota Variable, Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from ses_ops import airflow_configuration, airflow_connection, settings
from ses_ops.airflow_connection import FoundConnection
from ses_ops.cli.output import note
from ses_ops.errors import NotSetUp, SesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.transports.smtp.settings import SmtpSettings

_STDOUT, _STDERR = 1, 2
#: Seconds after which the terminal shows what takes time.
_LONG = 2.0
#: Name of the source of a connection that a running stack of `make run` provides.
RUNNING_STACK = "the running stack"


class SeveralProblems(SesError):
    """Several errors, each shown on a line of its own."""

    def __init__(self, problems: list[SesError]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


@contextmanager
def database() -> Iterator[Connection]:
    """A connection to the ses database. Raises SesError when there is none."""
    from ses_ops.storage.connection import connected

    with connected(db_dsn(), application="ses command line") as conn:
        yield conn


def db_dsn() -> str:
    """The ses database as a libpq URI. Raises SesError that says what to set."""
    return airflow_connection.libpq_uri(ses_db().fields)


def db_dsn_without_airflow() -> str:
    """The ses database as a libpq URI, for a process that must not import Airflow: if need be a child of it does.

    Raises SesError that says what to set.
    """
    stack = settings.running_stack()
    if (found := _found(settings.SES_DB, stack.db_dsn if stack else "")) is not None:
        return airflow_connection.libpq_uri(found.fields)
    if not airflow_is_configured() and not airflow_configuration.has_secrets_backend():
        raise settings.no_database()
    command = [sys.executable, "-m", "ses_ops.cli.main", "airflow-sync", "--print-database"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SesError((done.stderr.strip().splitlines() or ["Airflow cannot be asked"])[-1].removeprefix("ses: "))
    return done.stdout.strip()


def smtp_settings() -> SmtpSettings:
    """The mail server. Raises SesError that says what to set."""
    from ses_ops.transports.smtp.settings import smtp_settings_from_found

    return smtp_settings_from_found(ses_smtp())


def ses_db() -> FoundConnection:
    """The connection to the ses database, and where it was found."""
    stack = settings.running_stack()
    found = _found(settings.SES_DB, stack.db_dsn if stack else "")
    return found or _ask_for(lambda connections: connections.ses_db(), settings.no_database)


def ses_smtp() -> FoundConnection:
    """The connection to the mail server, and where it was found."""
    stack = settings.running_stack()
    found = _found(settings.SES_SMTP, stack.smtp_uri if stack else "")
    return found or _ask_for(lambda connections: connections.ses_smtp(), settings.no_mail_server)


def _found(variable: str, of_stack: str) -> FoundConnection | None:
    """A connection of the environment, unless a secrets backend comes before it: then Airflow has to be asked.

    The settings that a running stack provides are that stack's environment.
    """
    if airflow_configuration.has_secrets_backend():
        return None
    if given := os.environ.get(variable, "").strip():
        return FoundConnection(source=variable, given=given)
    given = airflow_configuration.environment().get(variable, "").strip() or of_stack
    if given and airflow_configuration.names_the_stack():
        return FoundConnection(source=RUNNING_STACK, given=given)
    return None


def _ask_for(question: Callable[[Any], FoundConnection], missing: Callable[[], NotSetUp]) -> FoundConnection:
    if not airflow_is_configured() and not airflow_configuration.has_secrets_backend():
        raise missing()

    def ask(_: object) -> FoundConnection:
        from ses_ops.orchestration import connections

        return question(connections)

    found: FoundConnection = ask_airflow(ask)
    return found


def airflow_is_configured() -> bool:
    """Whether Airflow is installed and configured, as far as that shows without an import of it."""
    return airflow_configuration.is_configured()


def cheap_quota_variable() -> str | None:
    """The quota Variable if the environment sets it; None when Airflow would have to be asked."""
    if airflow_configuration.has_secrets_backend():
        return None
    return airflow_configuration.environment().get(settings.WARMUP_QUOTA)


def _quota_variable() -> str | None:
    """The quota Variable as text, None when it is not set. Raises SesError when Airflow cannot be asked."""
    given = cheap_quota_variable()
    return given if given is not None else ask_airflow(lambda control: control.read_quota_variable())


def quota_plans() -> QuotaPlans:
    """The warm-up plans of the quota Variable. Raises SesError when Airflow cannot be asked."""
    from ses_ops.domain.warmup import QuotaPlans

    return QuotaPlans.parse(_quota_variable())


def quota_source() -> str:
    """Where the quota Variable was found."""
    if cheap_quota_variable() is not None:
        return settings.WARMUP_QUOTA if settings.WARMUP_QUOTA in os.environ else RUNNING_STACK
    return str(ask_airflow(lambda control: control.quota_source()))


def ask_airflow(question: Callable[[Any], Any]) -> Any:
    """Call `operators.airflow_control`, importing Airflow now. Every exception there becomes a SesError."""
    try:
        with _airflow_is_quiet(), _patience_asked():
            from ses_ops.orchestration import control as airflow_control

            if "airflow.settings" not in sys.modules:
                airflow_configuration.apply()
            return question(airflow_control)
    except SesError:
        raise
    except (Exception, SystemExit) as cause:  # Airflow ends the process over some of its settings
        raise SesError(f"Airflow cannot be used: {type(cause).__name__}: {cause}") from cause


@contextmanager
def _airflow_is_quiet() -> Iterator[None]:
    """Keep Airflow's log out of a command's output: Airflow logs to the stdout of the time of its import.

    Errors of that log (all of it with SES_DEBUG) go to stderr, as does the output of a program that Airflow starts.
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


@contextmanager
def _patience_asked() -> Iterator[None]:
    """Show at a terminal what takes time: Airflow's code takes seconds to load."""
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(_LONG, note, ["asking Airflow, whose code takes some seconds to load ..."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
