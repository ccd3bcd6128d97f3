"""Every error that ses-ops raises on purpose. One base class; errors carry their data as attributes.

The text of an error is written for the person who can mend it: it names the thing, the place and what to do.
"""

from __future__ import annotations

from datetime import datetime


class SesError(Exception):
    """The base of all errors of this project; its text is one readable line."""

    def __reduce__(self) -> tuple[object, ...]:
        """Python would make it anew of its text alone, which most of ours are not made of."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[SesError], args: tuple[object, ...], facts: dict[str, object]) -> SesError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class InvalidInput(SesError):
    """Something that a person wrote is wrong: `where` names the file or thing, `field` the part of it."""

    def __init__(self, message: str, *, where: str | None = None, field: str | None = None) -> None:
        self.where = where
        self.field = field
        place = ": ".join(part for part in (where, field) if part)
        super().__init__(f"{place}: {message}" if place else message)


class ConnectionProblem(InvalidInput):
    """A connection to a server cannot be right: `where` names the place that it was found in, `problem` is the rest."""

    def __init__(self, problem: str, *, where: str, field: str | None = None) -> None:
        self.problem = problem
        super().__init__(problem, where=where, field=field)


class BadCsv(InvalidInput):
    """A CSV file cannot be read at all: `fault` says why in general (audience/csv/faults.py), `facts` in particular."""

    def __init__(self, message: str, *, fault: str, where: str | None = None, **facts: object) -> None:
        self.fault = fault
        self.facts = facts
        super().__init__(message, where=where)


class NotFound(SesError):
    """A thing that was named does not exist."""

    def __init__(self, kind: str, name: str, *, hint: str = "") -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"there is no {kind} named {name!r}" + (f"; {hint}" if hint else ""))


class Conflict(SesError):
    """The thing is in a state in which this cannot be done."""


class StartNotAllowed(SesError):
    """Mail would leave by a change, and whoever makes it may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(
            f"this change can make mail of send task {task!r} leave, which needs the right to trigger its DAG; ask "
            "somebody who has it"
        )


class ResumeNotAllowed(SesError):
    """Mail would leave by a resume, and whoever asks for it may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(
            "Mail of this task waits and would be sent. Ask an administrator for the right to trigger its DAG."
        )


class GroupInUse(Conflict):
    """A recipient group cannot be taken away while send tasks that have not ended send to it."""

    def __init__(self, group: str, tasks: list[str]) -> None:
        self.group = group
        self.tasks = tasks
        super().__init__(f"recipient group {group!r} is used by {', '.join(tasks)}; `ses task delete` them first")


class GroupBusy(Conflict):
    """A recipient group cannot be changed while a file is imported into it; `by` is who does that, if that is known."""

    def __init__(self, group: str, *, by: str | None = None) -> None:
        self.group = group
        self.by = by
        who = f"{by} is importing a file" if by else "a file is being imported"
        super().__init__(f"{who} into {group!r} now; try again when that is done")


class ImportStopped(SesError):
    """An import was ended before its end, and nothing of it was kept; `by` is who asked for it, if somebody did."""

    def __init__(self, message: str, *, by: str | None = None) -> None:
        self.by = by
        super().__init__(message)


class QuotaError(SesError):
    """The warm-up quota Variable has no valid entry for a sender domain; its sentence is stored as a task's error."""

    def __init__(self, message: str, *, domain: str, field: str | None = None) -> None:
        self.domain = domain
        self.field = field
        place = f"nothing can be sent from {domain!r}: " + (f"{field}: " if field else "")
        super().__init__(place + message)


class WarmupNotBegun(QuotaError):
    """The first day of a sender domain's warm-up is still to come: `begins_at` is when, `words` as the plan says it."""

    def __init__(self, domain: str, *, begins_at: datetime, words: str) -> None:
        self.begins_at = begins_at
        self.words = words
        super().__init__(
            f"the warm-up begins at {words}; nothing may be sent before", domain=domain, field="started_on"
        )


class QuotaExhausted(SesError):
    """A test send found no quota left today (a test send is never cached)."""


class TemplateError(SesError):
    """A template does not exist, does not compile, or its variables do not match."""

    def __init__(self, message: str, *, template: str, part: str | None = None) -> None:
        self.template = template
        self.part = part
        place = f"template {template!r}" + (f" ({part})" if part else "")
        super().__init__(f"{place}: {message}")


class MailCannotBeMade(SesError):
    """Message after message cannot be made of the template and its recipients' values."""


class TooManyUnknownUsers(SesError):
    """So many recipients do not exist that the mail server, or the list, may be the wrong one."""

    def __init__(self, *, unknown: int, of: int) -> None:
        self.unknown = unknown
        self.of = of
        super().__init__(
            f"the mail server does not know {unknown} of the first {of} recipients; sending has stopped and nobody was "
            "suppressed. See whether it is the right server and the right list, then resume the task; the connection's "
            "most_unknown_users is the share that is allowed"
        )


class NotSetUp(SesError):
    """A server that is needed is named nowhere, or is not prepared for this version: a person has to do that."""


class LookUpFailed(SesError):
    """Airflow, or its secrets backend, did not say what a connection or a Variable is; asked again it may well do."""


class DatabaseUnavailable(SesError):
    """PostgreSQL cannot be reached or closed the connection."""


class TransportUnavailable(SesError):
    """The mail server cannot be used now: it is absent, refuses the login, or keeps closing the connection."""


class LedgerBehind(SesError):
    """The database has lost what was committed: it is a copy that lagged, or kept commits off its disk."""


class AttemptSuperseded(SesError):
    """Another attempt took this chunk over; this one must not send another byte."""
