"""The audit log of the command line, written to Airflow's.

The entries are written when the command has ended and if Airflow can be reached: to load Airflow's code takes seconds,
and a command that stops mail stops it at once. So an entry is about what was done; a refusal is shown at the terminal
and has no entry.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ses_ops.cli import session
from ses_ops.cli.output import note
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ShellAuditLog:
    """Entries that are kept until `write`."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._entries: list[tuple[str, str, dict[str, Any]]] = []

    @contextmanager
    def recorded(self, who: str, action: str, *, task: str | None = None, **details: Any) -> Iterator[dict[str, Any]]:
        """See `AuditLog.recorded`. The entry names the user of the shell, never a login of Airflow."""
        del who
        facts: dict[str, Any] = {**({"task": task} if task else {}), **details}
        yield facts
        self._entries.append((self._who, action, facts))

    def write(self) -> None:
        """Write the entries, best effort: the recorded actions are committed."""
        entries, self._entries = self._entries, []
        if not entries or not session.airflow_is_configured():
            return
        try:
            session.ask_airflow(lambda _: _write(entries))
        except SesError as problem:
            note(f"done, but Airflow's audit log could not be told of it: {problem}")
        except KeyboardInterrupt:
            note("done, but Airflow's audit log was not told of it")


def _write(entries: list[tuple[str, str, dict[str, Any]]]) -> None:
    from ses_ops.orchestration import audit

    audit.write_rows(entries)
