"""Hints of the command line for errors, by code."""

from __future__ import annotations

from ses_ops.error_sentences import filled
from ses_ops.errors import Explanation, SesError

_ADDRESS_COLUMN = "; name the address column with --address-column (there are: {columns})"
_MIGRATE = "; run `ses migrate`"
_MAKE_RUN = ". Start `make run` in another terminal, or set "

#: Hints by the code of the error, with names of its facts in braces: each names a command or an option.
HINTS: dict[str, str] = {
    "send_task_not_found": "; `ses task list` shows them all",
    "recipient_group_not_found": "; `ses group list` shows them all",
    "start_of_this_send_task_not_found": "; `ses task starts` lists them",
    "group_in_use": "; `ses task delete` them first",
    "no_such_group": "; `ses group import {group} FILE.csv` makes it",
    "task_has_unsent_messages": "; `ses task cancel {name}` first",
    "template_changed_since": ", then `ses task resume {task}`",
    "mail_cannot_be_made": (
        ", then `ses task resume` for those that wait and `ses task retry-failed` for those that failed"
    ),
    "bounce_domain_sends": ", or add --even-sender-domain",
    "started_before_restore": "; `ses task resume` or a trigger by hand sends it",
    "start_missed": "; `ses task resume {task}` or a trigger by hand sends it",
    "schema_of_another_version": _MIGRATE,
    "schema_missing": _MIGRATE,
    "schema_older": _MIGRATE,
    "no_database_connection": "; then run `ses migrate`",
    "no_database_here": _MAKE_RUN + "{variable} to the PostgreSQL to use",
    "no_mail_server_here": _MAKE_RUN
    + "{variable}, for example to smtp://login:password@mail.example.com:587/?tls=starttls",
    "no_airflow_here": _MAKE_RUN + "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN or AIRFLOW_HOME as your Airflow has it",
    "stack_file_of_another_user": ": run this as the user who ran `make run`",
    "stack_file_not_readable": ": stop `make run` and start it again",
    "other_encoding": ": if that is right, import it with --encoding {encoding}, else with its true encoding",
    "encoding": ", or, if it is really UTF-8, import it with --encoding utf-8",
    "other_delimiter": "; add --delimiter {shown}",
    "no_address_column": _ADDRESS_COLUMN,
    "several_address_columns": _ADDRESS_COLUMN,
    "not_all_usable": ", and --strict takes all rows or none",
}


def hint(problem: SesError | Explanation) -> str:
    """The hint for an error; empty without one."""
    found = HINTS.get(problem.code)
    return "" if found is None else filled(found, problem.facts)


def with_hint(problem: Exception) -> str:
    """An error's sentence with its hint."""
    return f"{problem}{hint(problem)}" if isinstance(problem, SesError) else str(problem)
