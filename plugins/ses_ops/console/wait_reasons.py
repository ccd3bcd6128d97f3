"""Why mail waits, in the person's language: the ledger keeps these sentences as they were when it happened, in English.

What stands in nobody's list here (a server's own words, what a person typed) is shown as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ses_ops.console.language import N_

if TYPE_CHECKING:
    from ses_ops.console.language import Language

_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        # sending/reserve.py
        (
            r"today's quota of (?P<quota>[\d,]+) for (?P<domain>\S+) is used up",
            N_("today's quota of %(quota)s for %(domain)s is used up"),
        ),
        (
            r"the warm-up of (?P<domain>\S+) begins at (?P<when>.+)",
            N_("the warm-up of %(domain)s begins at %(when)s"),
        ),
        # storage/attempts.sql
        (r"the task is paused", N_("the task is paused")),
        (r"the task is cancelled", N_("the task is cancelled")),
        (r"the quota day ended", N_("the quota day ended")),
        (
            r"the task has another sender domain now",
            N_("the task has another sender domain now"),
        ),
        # sending/settle.py, send_chunk.py, decisions.py
        (r"its run ended before it was sent", N_("its run ended before it was sent")),
        (r"messages are left", N_("messages are left")),
        (r"a person asked for another try", N_("a person asked for another try")),
        (r"a person asked to send it again", N_("a person asked to send it again")),
        # console/pages/task_actions.py, cli/task_control.py, operators/pause.py
        (r"paused in Airflow by (?P<who>.+)", N_("paused in Airflow by %(who)s")),
        (r"paused in Airflow", N_("paused in Airflow")),
        (r"paused by (?P<who>[^:]+): (?P<why>.+)", N_("paused by %(who)s: %(why)s")),
        (r"paused by (?P<who>[^:]+)", N_("paused by %(who)s")),
    )
)


def wait_reason(words: Language, text: str) -> str:
    """The sentence in a language."""
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(text):
            return words.gettext(sentence, **found.groupdict())
    return text
