"""The entry of `ses`: every error becomes one line on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from ses_ops import __version__
from ses_ops.cli.hints import with_hint
from ses_ops.cli.lazy_group import LazyGroup
from ses_ops.cli.meant import meant_instead
from ses_ops.errors import NotFound, SesError

#: Environment variable that makes errors show their traceback.
DEBUG = "SES_DEBUG"
INTERRUPTED = 130

COMMANDS = {
    "run": ("stack:run", "Start everything on this machine, as `make run` does."),
    "doctor": ("doctor:doctor", "Check database, mail server, quota, templates and DAGs; say what to do."),
    "group": ("groups:group", "Recipient groups: import from CSV, list, show, delete."),
    "template": ("templates:template", "Mail templates: list, check, preview, write."),
    "task": ("tasks:task", "Send tasks: apply, list, pause, resume, cancel, retry, forecast."),
    "message": ("messages:message", "Messages: what happened to one, and what one person got."),
    "events": ("events:events", "What comes back: feeds, mails that were read, what found no message."),
    "quota": ("quota:quota", "The warm-up quota of the sender domains."),
    "domain": ("domains:domain", "Sender domains: level, figures, decisions; where their bounces go."),
    "stats": ("stats:stats", "Statistics: mail by day, sender domain, task and mailbox provider."),
    "suppression": ("suppressions:suppression", "Addresses that get no mail."),
    "person": ("people:person", "What is stored of a person, and to forget it."),
    "test-send": ("test_send:test_send_command", "Send a template to a few addresses now."),
    "tokens": ("tokens:tokens", "Secrets of the tokens in links and bounce addresses."),
    "key": ("keys:key", "Keys by which programs use the API."),
    "callback": ("callbacks:callback", "Addresses of yours that events are posted to."),
    "deliver": ("deliver:deliver", "Post events to your addresses: the callback deliverer."),
    "listen": ("listen:listen", "Listen: the API, the public listener, the bounce listener."),
    "airflow-sync": ("airflow_sync:airflow_sync", "Copy what the API needs of Airflow, and do what it asks of it."),
    "airflow-rights": (
        "airflow_rights:airflow_rights",
        "Let roles of Airflow (FAB) see the console and make mailings.",
    ),
    "restore": ("restore:restore", "Say how a ledger goes on that was restored from a backup."),
    "migrate": ("database:migrate", "Bring the ses database to the newest schema."),
}


@click.group(cls=LazyGroup, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ses")
def cli() -> None:
    """Mass mail as Airflow DAGs: send tasks, a warm-up quota, and a ledger of every message.

    Finds its database, mail server and quota as Airflow's workers do: the connections ses_db and ses_smtp and the
    Variable ses_warmup_quota, in Airflow's secrets backend, in the environment (AIRFLOW_CONN_SES_DB,
    AIRFLOW_CONN_SES_SMTP), or in Airflow's database. Which Airflow: AIRFLOW_HOME or AIRFLOW_CONFIG says; in a checkout
    of the project the stack that `make run` started. `ses doctor` tells what was found where.

    \b
    Examples:
      ses group import customers customers.csv
      ses task apply tasks/
      ses task list
    """


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code: 0 only on success, 2 for a command that cannot be understood."""
    try:
        return _run(arguments)
    finally:
        _write_audit_entries()


def _write_audit_entries() -> None:
    if "ses_ops.cli.audit" in sys.modules:  # otherwise the command has changed nothing
        from ses_ops.cli.actor import audit_log

        audit_log().write()


def _run(arguments: Sequence[str]) -> int:
    try:
        result = cli.main(args=list(arguments), prog_name="ses", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        return 2
    except click.UsageError as problem:
        path = problem.ctx.command_path if problem.ctx else "ses"
        return _fail(f"{problem.format_message()} (`{path} --help` says how)", 2)
    except click.ClickException as problem:
        return _fail(problem.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has ended; without this, Python's flush at exit prints an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as problem:
        if os.environ.get(DEBUG):
            raise
        return _fail_with(problem)


def _fail_with(problem: Exception) -> int:
    if isinstance(problem, SesError):
        for part in getattr(problem, "problems", ()) or (problem,):
            _fail(f"{with_hint(part)}{meant_instead(part) if isinstance(part, NotFound) else ''}", 1)
        return 1
    known = _database_problem(problem)
    if known:
        return _fail(known, 1)
    if isinstance(problem, OSError) and problem.filename:
        return _fail(f"{problem.filename}: {problem.strerror}", 1)
    return _fail(f"unexpected {type(problem).__name__}: {problem} ({DEBUG}=1 shows the traceback)", 1)


def _database_problem(problem: Exception) -> str | None:
    if "psycopg2" not in sys.modules:
        return None
    from ses_ops.storage.connection import ConnectionLost, schema_problem

    if other_schema := schema_problem(problem):
        return with_hint(other_schema)
    if isinstance(problem, ConnectionLost):
        return f"the ses database failed: {problem}"
    return None


def _fail(message: str, code: int) -> int:
    click.echo(f"ses: error: {' '.join(message.split())}", err=True)
    return code


if __name__ == "__main__":
    main()
