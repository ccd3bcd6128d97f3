"""Every error that ses-ops raises on purpose: one base class, a code, and facts. The sentence is made from the code.

A code is a stable name (`group_busy`) that programs and stored rows hold; the facts are the values of its sentence, by
name, each of which JSON can hold. `error_sentences/` has the English sentence of every code, which logs, the command
line and stored rows show; the console words a code in the reader's language. What to type or to click is a hint, which
each face adds itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Self

#: Facts that say where something is wrong. They stand before the sentence, unless the sentence has them itself.
#: PostgreSQL's jsonb holds no NUL and no half of a surrogate pair.
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
PLACES = ("template", "part", "domain", "server", "during", "where", "field")
_OPTIONAL = frozenset({*PLACES, "in_line", "in_file", "who", "host"})


def fact(value: Any) -> Any:
    """A fact as JSON can hold it, but for explanations, which hold facts themselves."""
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
    """The facts of a code; a place that is not known is none of them."""
    return {name: fact(one) for name, one in given.items() if one is not None or name not in _OPTIONAL}


@dataclass(frozen=True, slots=True, init=False)
class Explanation:
    """Why something is as it is: a code and its facts. As a text it is the English sentence.

    What an error says, and what is stored with a task, an occurrence or a chunk to be shown later.
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
        """The same without some of its facts, such as the places that are named beside it."""
        return Explanation(self.code, **{name: one for name, one in self.facts.items() if name not in names})

    @property
    def stored(self) -> dict[str, Any]:
        """The facts as JSON holds them: an explanation among them is an object of its code and its facts."""
        return {name: _stored(one) for name, one in self.facts.items()}

    @classmethod
    def read(cls, code: str, facts: Mapping[str, Any]) -> Self:
        """The explanation whose `stored` facts these are."""
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
        return Explanation.read(one["code"], one["facts"])
    return [_read(item) for item in one] if isinstance(one, list) else one


class SesError(Exception):
    """The base of all errors of this project; its text is one readable line.

    Below the faces every error has a code of `error_sentences/`. The command line and the stack, which show an error to
    nobody but a person at a terminal, may give their own sentence in its place; such an error is worded as it is.
    """

    def __init__(self, code: str, /, **facts: Any) -> None:
        self.code = str(code)
        self.facts: dict[str, Any] = _facts(facts)
        super().__init__(code)

    def __str__(self) -> str:
        return str(self.explanation)

    @property
    def explanation(self) -> Explanation:
        """Its code and its facts as a value, to be stored or to be a fact of another."""
        return Explanation(self.code, **self.facts)

    @property
    def sentence(self) -> Sentence:
        """Its English sentence in one line, to be stored with its code and facts."""
        return Sentence(self.explanation, " ".join(str(self).split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Python would make it anew of its code alone."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[SesError], args: tuple[object, ...], attributes: dict[str, object]) -> SesError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidInput(SesError):
    """Something that a person wrote is wrong: `where` names the file or thing, `field` the part of it."""

    def __init__(self, code: str, /, *, where: str | None = None, field: str | None = None, **facts: Any) -> None:
        self.where = where
        self.field = field
        super().__init__(code, where=where, field=field, **facts)

    def at(self, *, where: str | None = None, field: str | None = None, **facts: Any) -> Self:
        """The same error at another place; its facts stay, and more may come."""
        return type(self)(self.code, **{**self.facts, "where": where, "field": field, **facts})


class ConnectionProblem(InvalidInput):
    """A connection to a server cannot be right: `where` names the place that it was found in."""


class BadCsv(InvalidInput):
    """A CSV file cannot be read at all; its code is a `CsvFault` (audience/csv/faults.py)."""


class NotFound(SesError):
    """A thing that was named does not exist."""

    def __init__(self, kind: str, name: str, *, code: str | None = None, **facts: Any) -> None:
        self.kind = kind
        self.name = name
        super().__init__(code or f"{kind.replace(' ', '_')}_not_found".lower(), name=name, **facts)


class Conflict(SesError):
    """The thing is in a state in which this cannot be done."""


class StartNotAllowed(SesError):
    """Mail would leave by a change, and whoever makes it may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__("start_not_allowed", name=task)


class ResumeNotAllowed(SesError):
    """Mail would leave by a resume, and whoever asks for it may not start mail of this task."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__("resume_not_allowed")


class GroupInUse(Conflict):
    """A recipient group cannot be taken away while send tasks that have not ended send to it."""

    def __init__(self, group: str, tasks: list[str]) -> None:
        self.group = group
        self.tasks = tasks
        super().__init__("group_in_use", group=group, tasks=tasks)


class GroupBusy(Conflict):
    """A recipient group cannot be changed while a file is imported into it; `by` is who does that, if that is known."""

    def __init__(self, group: str, *, by: str | None = None) -> None:
        self.group = group
        self.by = by
        super().__init__("group_busy_by" if by else "group_busy", group=group, who=by)


class ImportStopped(SesError):
    """An import was ended before its end, and nothing of it was kept; `by` is who asked for it, if somebody did."""

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
    """The first day of a sender domain's warm-up is still to come: `begins_at` is when, `words` as the plan says it."""

    def __init__(self, domain: str, *, begins_at: datetime, words: str) -> None:
        self.begins_at = begins_at
        self.words = words
        super().__init__("warmup_not_begun", domain=domain, field="started_on", start=words)


class QuotaExhausted(SesError):
    """A test send found no quota left today (a test send is never cached)."""


class TemplateError(SesError):
    """A template does not exist, does not compile, or its variables do not match."""

    def __init__(self, code: str, /, *, template: str, part: str | None = None, **facts: Any) -> None:
        self.template = template
        self.part = part
        super().__init__(code, template=template, part=part, **facts)


class MailCannotBeMade(SesError):
    """Message after message cannot be made of the template and its recipients' values."""


class TooManyUnknownUsers(SesError):
    """So large a share of the recipients does not exist that the mail server, or the list, may be the wrong one."""

    def __init__(self, *, unknown: int, of: int) -> None:
        self.unknown = unknown
        self.of = of
        super().__init__("too_many_unknown_users", unknown=unknown, count=of)


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
