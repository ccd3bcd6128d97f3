"""The display of `make run`: a live table on a terminal, plain lines elsewhere.

The plain lines, one a change, have no escape sequences.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


class DisplayedTask(Protocol):
    """The fields of a send task that the display needs; `ses_ops.storage.tasks.overview.TaskOverview` has them."""

    @property
    def name(self) -> Any: ...

    @property
    def type(self) -> Any: ...

    @property
    def status(self) -> Any: ...

    @property
    def request_count(self) -> Any: ...

    @property
    def sent_count(self) -> Any: ...

    @property
    def cached_count(self) -> Any: ...

    @property
    def failed_count(self) -> Any: ...

    @property
    def suppressed_count(self) -> Any: ...

    @property
    def unknown_count(self) -> Any: ...

    @property
    def in_progress_count(self) -> Any: ...

    @property
    def cancelled_count(self) -> Any: ...

    @property
    def retrying_count(self) -> Any: ...

    @property
    def queued_count(self) -> Any: ...

    @property
    def next_run_at(self) -> Any: ...

    @property
    def error(self) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The addresses of the running stack, for the person who started it."""

    web_url: str
    web_user: str
    web_password: str
    mailbox_url: str | None
    public_url: str
    api_url: str
    smtp: str
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """One line for each address, and the notes."""
        mailbox = f"{self.mailbox_url}  (mail to {self.smtp} lands here)" if self.mailbox_url else f"none: {self.smtp}"
        return [
            f"Web page  {self.web_url}  user {self.web_user}  password {self.web_password}",
            f"Mailbox   {mailbox}",
            f"Public    {self.public_url}  (unsubscribe links lead here)",
            f"API       {self.api_url}  (trigger mail: POST /v1/messages; docs/api.md)",
            *self.notes,
            "Ctrl-C stops everything; the data stays, and the next `make run` goes on with it.",
        ]


class Display(Protocol):
    """A display of the progress of the stack."""

    def step(self, text: str) -> None:
        """Show a step that was done or begins."""

    def welcome(self, welcome: Welcome) -> None:
        """Show that the stack is ready, with its addresses."""

    def tasks(self, tasks: Sequence[DisplayedTask]) -> None:
        """Show the present send tasks."""

    def close(self) -> None:
        """Restore the terminal."""


def make_display(output: TextIO | None = None) -> Display:
    """The live display on a terminal; the plain display elsewhere, or when TERM is dumb."""
    stream = output or sys.stdout
    console = Console(file=stream)
    return LiveDisplay(console) if console.is_terminal and not console.is_dumb_terminal else PlainDisplay(stream)


def counts(task: DisplayedTask) -> str:
    """The counts that are not zero, with the names of the ledger."""
    parts = [f"{task.sent_count:,} of {task.request_count:,} sent"]
    for name in ("cached", "retrying", "failed", "suppressed", "unknown", "cancelled", "queued"):
        if number := getattr(task, f"{name}_count"):
            parts.append(f"{number:,} {name}")
    if task.in_progress_count:
        parts.append(f"{task.in_progress_count:,} in progress")
    return ", ".join(parts)


def advice(task: DisplayedTask) -> str:
    """What a person can do about messages in doubt; empty when there are none."""
    if not task.unknown_count:
        return ""
    command = f"ses task resolve-unknown {task.name}"
    return f"unknown: the server may have them or not; decide on the task's page or by `{command}`"


def local_time(moment: datetime | None) -> str:
    """A moment in this machine's zone, with the date unless it is today."""
    if moment is None:
        return ""
    local = moment.astimezone()
    today = local.date() == datetime.now().astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


class PlainDisplay:
    """The display for logs and pipes."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._shown: dict[str, str] = {}

    def step(self, text: str) -> None:
        """Print one line."""
        self._print(text)

    def welcome(self, welcome: Welcome) -> None:
        """Print one line for each address."""
        for line in welcome.lines():
            self._print(line)

    def tasks(self, tasks: Sequence[DisplayedTask]) -> None:
        """Print one line for each task that changed."""
        for task in tasks:
            ahead = f", next run {local_time(task.next_run_at)}" if task.next_run_at else ""
            trouble = "".join(f" - {one}" for one in (task.error, advice(task)) if one)
            line = f"{task.name} ({task.type}): {task.status}, {counts(task)}{ahead}{trouble}"
            if self._shown.get(task.name) != line:
                self._shown[task.name] = line
                self._print(line)

    def close(self) -> None:
        """Do nothing: there is no table to remove."""

    def _print(self, text: str) -> None:
        with suppress(OSError):  # the terminal or the reader of the pipe is gone, but the stack must go on
            print(f"{time.strftime('%H:%M:%S')} {text}", file=self._output, flush=True)


_COLOURS = {
    "sending": "green",
    "paused": "yellow",
    "retrying": "magenta",
    "error": "red",
    "finished": "cyan",
    "waiting": "blue",
}


class LiveDisplay:
    """The display for a terminal: a table that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._welcome: Welcome | None = None

    def step(self, text: str) -> None:
        """Print a line above the table."""
        self._guard(lambda: self._console.print(Text(text, style="dim")))

    def welcome(self, welcome: Welcome) -> None:
        """Start the table, with the addresses below it."""
        self._welcome = welcome
        # The table must have no thread of its own (auto_refresh), because the supervisor forks.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._guard(self._live.start)
        self.tasks(())

    def tasks(self, tasks: Sequence[DisplayedTask]) -> None:
        """Draw the table."""
        live, welcome = self._live, self._welcome
        if live is None or welcome is None:
            return
        footer = Text("\n".join(welcome.lines()))
        body = _table(tasks) if tasks else Text("no send tasks yet", style="dim")
        self._guard(lambda: live.update(Group(Text(), body, Text(), footer), refresh=True))

    def close(self) -> None:
        """Stop redrawing; the last table stays on the screen."""
        if self._live is not None:
            self._guard(self._live.stop)
            self._live = None

    def _guard(self, draw: Any) -> None:
        with suppress(OSError):  # the terminal is gone, but the stack must go on
            draw()


def _table(tasks: Sequence[DisplayedTask]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("Send task", no_wrap=True)
    table.add_column("Type", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Progress", ratio=2)
    table.add_column("Messages", ratio=3)
    table.add_column("Next run", no_wrap=True)
    for task in tasks:
        status = str(task.status)
        messages = Text(counts(task))
        if task.error:
            messages.append(f" - {task.error}", style="red")
        if hint := advice(task):
            messages.append(f" - {hint}", style="yellow")
        table.add_row(
            Text(str(task.name)),
            str(task.type),
            Text(status, style=_COLOURS.get(status, "")),
            ProgressBar(total=max(1, task.request_count), completed=task.sent_count),
            messages,
            local_time(task.next_run_at),
        )
    return table
