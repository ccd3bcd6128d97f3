"""Error classes of ses-ops: each error has a code and facts.

A code is a stable name (`group_busy`) for programs and stored rows. The facts are the values of its sentence by name,
each of a type that JSON has. `error_sentences/` has the English sentence of every code, which logs, the command line
and stored rows show; the console words a code in the reader's language. The console and the command line each add a
hint: what to click or to type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Self

#: Names of the facts that locate an error. They precede the sentence, unless the sentence has them itself.
#: PostgreSQL's jsonb holds no NUL and no half of a surrogate pair.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
PLACES = ("template", "part", "domain", "server", "during", "where", "field")
_OPTIONAL = frozenset({*PLACES, "in_line", "in_file", "who", "host"})


def fact(value: Any) -> Any:
    """A fact as a JSON value; an explanation, which has facts of its own, is returned as it is."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | Explanation):
        return value
    if isinstance(value, SesError):
        return value.explanation
    if isinstance(value, Mapping):
        return {str(name): fact(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [fact(one) for one in value]
    return str(value)


def _facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a code, without locations that are None."""
    return {name: fact(one) for name, one in given.items() if one is not None or name not in _OPTIONAL}


@dataclass(frozen=True, slots=True, init=False)
class Explanation:
    """A code and its facts as a value; `str` gives the English sentence.

    It is the content of an error, and it is stored with a task, an occurrence or a chunk to be shown later.
    """

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, code: str, /, **facts: Any) -> None:
        object.__setattr__(self, "code", str(code))
        object.__setattr__(self, "facts", _facts(facts))

    def __str__(self) -> str:
        from ses_ops.error_sentences import english

        return english(self.code, self.facts)

    @property
    def sentence(self) -> Sentence:
        """The English sentence, to be stored with its code and facts."""
        return Sentence(self)

    def without(self, *names: str) -> Explanation:
        """The explanation without some of its facts, such as locations that are shown beside it."""
        return Explanation(self.code, **{name: one for name, one in self.facts.items() if name not in names})

    @property
    def stored(self) -> dict[str, Any]:
        """The facts as JSON values: an explanation among them is an object of its code and its facts."""
        return {name: _stored(one) for name, one in self.facts.items()}

    @classmethod
    def read(cls, code: object, facts: object) -> Explanation | None:
        """The explanation whose `stored` facts these are; None for anything that no version has stored."""
        if not isinstance(code, str) or not isinstance(facts, dict):
            return None
        return cls(code, **{name: _read(one) for name, one in facts.items()})


class Sentence(str):
    """An English sentence that knows the explanation it was made of, as it is stored beside it."""

    explanation: Explanation

    def __new__(cls, explanation: Explanation, text: str | None = None) -> Self:
        made = super().__new__(cls, str(explanation) if text is None else text)
        made.explanation = explanation
        return made

    def __reduce__(self) -> tuple[object, ...]:
        """Python would make it anew of its text alone."""
        return Sentence, (self.explanation, str(self))


def _stored(one: Any) -> Any:
    if isinstance(one, Explanation):
        return {"code": one.code, "facts": one.stored}
    if isinstance(one, str):
        return _NOT_STORABLE.sub("\ufffd", one)
    if isinstance(one, dict):
        return {_stored(name): _stored(item) for name, item in one.items()}
    return [_stored(item) for item in one] if isinstance(one, list) else one


def _read(one: Any) -> Any:
    if isinstance(one, dict) and one.keys() == {"code", "facts"}:
        return Explanation.read(one["code"], one["facts"]) or str(one)
    return [_read(item) for item in one] if isinstance(one, list) else one


class SesError(Exception):
    """Base class of all errors of ses-ops; its text is one readable line.

    Every error of the layers below the console and the command line has a code of `error_sentences/`. The command line
    and the stack, whose errors only a person at a terminal sees, may give a sentence instead of a code.
    """

    def __init__(self, code: str, /, **facts: Any) -> None:
        self.code = str(code)
        self.facts: dict[str, Any] = _facts(facts)
        super().__init__(code)

    def __str__(self) -> str:
        return str(self.explanation)

    @property
    def explanation(self) -> Explanation:
        """The error's code and facts as a value, to be stored or to be a fact of another error."""
        return Explanation(self.code, **self.facts)

    @property
    def sentence(self) -> Sentence:
        """Its English sentence in one line, to be stored with its code and facts."""
        return Sentence(self.explanation, " ".join(str(self).split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the error with its facts; Python's default has only the code."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[SesError], args: tuple[object, ...], attributes: dict[str, object]) -> SesError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidInput(SesError):
    """A person's input is wrong: `where` names the file or object, `field` the part of it."""

    def __init__(self, code: str, /, *, where: str | None = None, field: str | None = None, **facts: Any) -> None:
        self.where = where
        self.field = field
        super().__init__(code, where=where, field=field, **facts)

    def at(self, *, where: str | None = None, field: str | None = None, **facts: Any) -> Self:
        """The same error at another location; its facts stay, and `facts` are added."""
        return type(self)(self.code, **{**self.facts, "where": where, "field": field, **facts})


class ConnectionProblem(InvalidInput):
    """The settings of a connection are wrong: `where` names their source."""


class BadCsv(InvalidInput):
    """A CSV file cannot be read at all; its code is a `CsvFault` (audience/csv/faults.py)."""


class NotFound(SesError):
    """A named object does not exist."""

    def __init__(self, kind: str, name: str, *, code: str | None = None, **facts: Any) -> None:
        self.kind = kind
        self.name = name
        super().__init__(code or f"{kind.replace(' ', '_')}_not_found".lower(), name=name, **facts)


class Conflict(SesError):
    """The state of an object does not allow the action."""


class StartNotAllowed(SesError):
    """A change would let mail leave, and the actor may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__("start_not_allowed", name=task)


class ResumeNotAllowed(SesError):
    """A resume would let mail leave, and the actor may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__("resume_not_allowed")


class GroupInUse(Conflict):
    """A recipient group cannot be deleted while send tasks that have not ended use it."""

    def __init__(self, group: str, tasks: list[str]) -> None:
        self.group = group
        self.tasks = tasks
        super().__init__("group_in_use", group=group, tasks=tasks)


class GroupBusy(Conflict):
    """A recipient group cannot be changed while a file is imported into it; `by` is the person who imports, or None."""

    def __init__(self, group: str, *, by: str | None = None) -> None:
        self.group = group
        self.by = by
        super().__init__("group_busy_by" if by else "group_busy", group=group, who=by)


class ImportStopped(SesError):
    """An import was cancelled and rolled back; `by` names the person who asked for that, if somebody did."""

    def __init__(self, code: str, /, *, by: str | None = None) -> None:
        self.by = by
        super().__init__(code, who=by)


class QuotaError(SesError):
    """The warm-up quota Variable has no valid entry for a sender domain; stored as a task's error."""

    def __init__(self, code: str, /, *, domain: str, field: str | None = None, **facts: Any) -> None:
        self.domain = domain
        self.field = field
        super().__init__(code, domain=domain, field=field, **facts)


class WarmupNotBegun(QuotaError):
    """A sender domain's warm-up begins in the future, at `begins_at`; `words` is that time as the plan writes it."""

    def __init__(self, domain: str, *, begins_at: datetime, words: str) -> None:
        self.begins_at = begins_at
        self.words = words
        super().__init__("warmup_not_begun", domain=domain, field="started_on", start=words)


class QuotaExhausted(SesError):
    """A test send found no quota left today (a test send is never cached)."""


class NotAccepted(SesError):
    """A single message is refused: nothing of it is written. `retry_after`: seconds after which it may be accepted."""

    retry_after: float | None = None

    def after(self, seconds: float) -> Self:
        """The same, with the seconds after which another try makes sense."""
        self.retry_after = seconds
        return self


class TemplateError(SesError):
    """A template does not exist, does not compile, or its variables do not match."""

    def __init__(self, code: str, /, *, template: str, part: str | None = None, **facts: Any) -> None:
        self.template = template
        self.part = part
        super().__init__(code, template=template, part=part, **facts)


class MailCannotBeMade(SesError):
    """Many messages in a row cannot be rendered from the template and the recipients' values."""


class TooManyUnknownUsers(SesError):
    """The share of unknown recipients is so large that the mail server or the recipient list may be the wrong one."""

    def __init__(self, *, unknown: int, of: int) -> None:
        self.unknown = unknown
        self.of = of
        super().__init__("too_many_unknown_users", unknown=unknown, count=of)


class NotSetUp(SesError):
    """A required server has no connection settings, or is not prepared for this version: a person has to do that."""


class LedgerRestored(NotSetUp):
    """The ledger is not where it sent last: it was restored from a backup or copied, and a person has to say how on."""


class NewerSchema(NotSetUp):
    """A newer version of ses-ops has upgraded the ledger; this process is of an older one, and has to be replaced."""


class LookUpFailed(SesError):
    """Airflow or its secrets backend did not return a connection or a Variable; a later request may succeed."""


class DatabaseUnavailable(SesError):
    """PostgreSQL cannot be reached or closed the connection."""


class TransportUnavailable(SesError):
    """The mail server cannot be used now: it is unreachable, refuses the login, or closes every connection."""


class LedgerBehind(SesError):
    """The database has lost committed rows: it is a replica that lagged, or it did not write commits to its disk."""


class AttemptSuperseded(SesError):
    """Another attempt has taken this chunk over; this attempt must not send another byte."""
