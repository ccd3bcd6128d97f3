"""The fields of a send task in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console import labels, spans
from ses_ops.console.labels import LANGUAGE
from ses_ops.console.language import N_
from ses_ops.console.tasks.review import wall_clock
from ses_ops.console.tasks.roles import who_sees_it
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.send_task import Advertisement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ses_ops.console.language import Language
    from ses_ops.domain.send_task import SendTask

ADVERTISEMENT = {
    Advertisement.NONE: N_("none"),
    Advertisement.BEFORE: N_("[AD] before the subject"),
    Advertisement.AFTER: N_("[AD] after the subject"),
}
TRACKED = {True: N_("tracked"), False: N_("not tracked"), None: N_("as the sender domain says")}
ON_UNKNOWN = {OnUnknown.HOLD: N_("waits for a person"), OnUnknown.RESEND: N_("is sent again")}
_TEMPLATES_SUBJECT = N_("Subject of the template")
_TO_THE_SENDER = N_("none: answers go to the sender")
_NONE = N_("none")
_OWN_PAGE = N_("the one of ses-ops, in %(language)s")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """The label and the text of a field."""

    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ChangedFact:
    """The text of a field before and after a change."""

    label: str
    before: str
    after: str


def task_facts(words: Language, task: SendTask) -> list[Fact]:
    """All fields of a definition, the empty ones too."""
    return [Fact(label=words.gettext(label), text=text) for label, text in _facts(words, task)]


def changed_facts(words: Language, before: SendTask, after: SendTask) -> list[ChangedFact]:
    """The fields whose text differs between two definitions."""
    new = {fact.label: fact.text for fact in task_facts(words, after)}
    old = {fact.label: fact.text for fact in task_facts(words, before)}
    none = words.gettext(_NONE)
    return [
        ChangedFact(label=label, before=old.get(label, none), after=new.get(label, none))
        for label in dict.fromkeys((*new, *old))
        if old.get(label) != new.get(label)
    ]


def _facts(words: Language, task: SendTask) -> Iterator[tuple[str, str]]:
    say = words.gettext
    yield N_("Sender"), task.sender
    yield N_("Reply-to address"), task.reply_to or say(_TO_THE_SENDER)
    yield N_("Subject"), task.subject or say(_TEMPLATES_SUBJECT)
    yield N_("Advertisement mark"), say(ADVERTISEMENT[task.advertisement])
    yield N_("Opens"), say(TRACKED[task.track_opens])
    yield N_("Clicks"), say(TRACKED[task.track_clicks])
    yield N_("Template"), task.template
    language = LANGUAGE.get(task.unsubscribe)
    yield N_("Unsubscribe page"), say(_OWN_PAGE, language=language) if language else say(_NONE)
    yield N_("Unsubscribe address"), task.unsubscribe_url or say(_NONE)
    yield N_("Recipient group"), task.group
    yield from _when(words, task)
    yield N_("A start may be late by"), spans.span(words, task.start_grace)
    yield N_("Mail in doubt after a crash"), say(ON_UNKNOWN[task.on_unknown])
    if who := who_sees_it(words, task.roles):
        yield N_("Who can see and stop it"), who


def _when(words: Language, task: SendTask) -> Iterator[tuple[str, str]]:
    schedule, zone = task.schedule, task.schedule.time_zone
    yield N_("Type"), words.gettext(labels.TYPE[task.type])
    if schedule.start_at is not None:
        yield N_("Start"), f"{wall_clock(words, schedule.start_at, zone)} ({zone})"
    if rhythm := labels.rhythm(schedule):
        yield N_("Repeats"), words.gettext(rhythm[0], **rhythm[1])
    if schedule.last_day is not None:
        whole = N_("%(day)s, the whole day in %(zone)s")
        yield N_("End"), words.gettext(whole, day=schedule.last_day, zone=zone)
    elif schedule.until is not None:
        yield N_("End"), f"{wall_clock(words, schedule.until, zone)} ({zone})"
    yield N_("Time zone"), zone
