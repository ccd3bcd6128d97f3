"""The notice on every page that the ledger was restored from a backup and sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.database import Snapshot
from ses_ops.console.errors import worded
from ses_ops.errors import SesError
from ses_ops.sending.home import restored
from ses_ops.storage.connection import StatementFailed
from ses_ops.storage.restore import home

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.language import Language
    from ses_ops.errors import Sentence

#: Seconds for which a look holds for all pages of a process.
LOOK_EVERY = 5.0
#: The end of a sentence by language; an error's sentence has none, since words may follow it.
_FULL_STOP = {"ja": "。"}


@dataclass(frozen=True, slots=True)
class _Seen:
    notice: Sentence | None


def _look(conn: Connection) -> _Seen:
    found = home.look(conn)
    return _Seen(None if found is None or found.here else restored(found).sentence)


_SEEN = Snapshot(_look, age=LOOK_EVERY)


def restored_notice(words: Language) -> str | None:
    """Why nothing is sent and what to do, for a restored ledger; None for any other, and where nobody can say."""
    try:
        notice = _SEEN.get().notice
    except (SesError, StatementFailed):
        return None
    if notice is None:
        return None
    text = worded(words, notice)
    return text[:1].upper() + text[1:] + _FULL_STOP.get(words.code, ".")
