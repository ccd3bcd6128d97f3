"""Sentences about errors of the send task form's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.console.errors import BESIDE_FIELD, worded
from ses_ops.console.language import N_
from ses_ops.error_sentences import sentences
from ses_ops.errors import SesError, TemplateError

if TYPE_CHECKING:
    from ses_ops.console.language import Language

#: Sentence for an empty field that must not be empty.
_EMPTY = {
    "type": N_("Choose when the mail is to leave."),
    "template": N_("Choose a template."),
    "group": N_("Choose a recipient group."),
    "sender": N_("Write who the mail comes from, such as Example Shop <news@mail.example.com>."),
    "start_at": N_("Choose the day and the time of the first mail."),
    "every": N_("Write a whole number of hours or days, 1 or more."),
    "cron": N_("Write five fields: minute, hour, day, month, weekday. 0 9 * * MON is every Monday at 9:00."),
}
#: Sentences on the correction of a field. Those of `_ENOUGH` need no other sentence.
_MEND = {
    "name": N_("Use 1 to 100 of the letters a to z, digits and hyphens; no hyphen at the beginning or the end."),
    "type": N_("Choose when the mail is to leave."),
    "template": N_("This template cannot be used with this task. Choose another, or mend its files."),
    "group": N_("This recipient group is not there any more. Choose another."),
    "sender": N_("Write a name and an address, such as Example Shop <news@mail.example.com>."),
    "subject": N_("Write one line of at most 998 characters; variables stand in {{ }}."),
    "reply_to": N_("Write one address, such as service@example.com."),
    "unsubscribe_url": N_("Write an address that begins with https://, http:// or mailto:; variables stand in {{ }}."),
    "start_at": N_("Choose a day and a time that are still to come and exist in the time zone."),
    "until": N_("Choose an end that is after the start and still to come, or leave it empty."),
    "time_zone": N_("Write the name of a time zone, such as Asia/Tokyo or UTC."),
    "every": N_("Write a whole number of hours or days, 1 or more."),
    "cron": N_("Write five fields: minute, hour, day, month, weekday. 0 9 * * MON is every Monday at 9:00."),
    "track": N_("Choose what is tracked, or nothing: tracking needs the public address of this installation."),
    "roles": N_("Write names of Airflow's roles, with commas between them."),
    "start_grace": N_("Write a span, such as 30m, 1h or 2d."),
}
_ENOUGH = frozenset({"type", "group", "every", "time_zone", "start_grace"})
#: Fields whose errors have a position in them, and whose syntax not everybody knows.
_BOTH = frozenset({"cron"})
#: Codes of a span that is written correctly and too long.
_TOO_LONG = frozenset({"span_too_long", "second_start_too_late"})


def in_words(words: Language, field: str, problem: SesError, *, empty: bool) -> str:
    """The sentence beside a field. The sentence of the domain's error is more exact than the one on its correction."""
    if empty and field in _EMPTY:
        return words.gettext(_EMPTY[field])
    if field in _ENOUGH and problem.code not in _TOO_LONG:
        return words.gettext(_MEND[field])
    beside_field = isinstance(problem, TemplateError) and problem.part in ("subject", "unsubscribe_url")
    exact = worded(words, problem, without=(*BESIDE_FIELD, *(("template", "part") if beside_field else ())))
    if field in _BOTH:
        return f"{exact[:1].upper() + exact[1:]} – {words.gettext(_MEND[field])}"
    if words.code == "en":
        return exact[:1].upper() + exact[1:]
    return exact if problem.code in sentences() or field not in _MEND else words.gettext(_MEND[field])
