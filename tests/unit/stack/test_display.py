"""What the terminal shows."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from ses_ops.stack.display import LiveDisplay, PlainDisplay, Welcome, make_display

WELCOME = Welcome(
    web_url="http://127.0.0.1:8080",
    web_user="admin",
    web_password="[bold]secret",
    mailbox_url="http://127.0.0.1:8025",
    public_url="http://127.0.0.1:8070",
    api_url="http://127.0.0.1:8060",
    smtp="127.0.0.1:1025",
)


STATES = ("cached", "failed", "suppressed", "unknown", "in_progress", "cancelled", "retrying", "queued")


def _task(**changes: Any) -> Any:
    counts = {f"{name}_count": 0 for name in STATES}
    plain = {"name": "sale", "type": "immediate", "status": "sending", "next_run_at": None, "error": None}
    return SimpleNamespace(**{**plain, **counts, "request_count": 1200, "sent_count": 500, **changes})


def test_the_plain_display_prints_a_task_only_when_it_changed() -> None:
    output = io.StringIO()
    display = PlainDisplay(output)
    for task in (_task(), _task(), _task(status="paused", cached_count=700)):
        display.tasks([task])
    lines = [line.split(" ", 1)[1] for line in output.getvalue().splitlines()]
    assert lines == [
        "sale (immediate): sending, 500 of 1,200 sent",
        "sale (immediate): paused, 500 of 1,200 sent, 700 cached",
    ]


def test_a_pipe_gets_the_plain_display() -> None:
    assert isinstance(make_display(io.StringIO()), PlainDisplay)


def test_a_terminal_gets_a_bar_a_task_and_every_address() -> None:
    output = io.StringIO()
    display = LiveDisplay(Console(file=output, force_terminal=True, width=140))
    display.welcome(WELCOME)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    display.tasks([_task(), _task(name="reminder", status="paused", next_run_at=tomorrow, error="[red]quota")])
    display.close()
    text = output.getvalue()
    for part in ("sale", "reminder", "500 of 1,200 sent", "━", "http://127.0.0.1:8080", "http://127.0.0.1:8025"):
        assert part in text
    assert "[bold]secret" in text, "the password was read as markup"
    assert "[red]quota" in text, "an error was read as markup"
    assert tomorrow.astimezone().strftime("%Y-%m-%d") in text


def test_a_terminal_that_is_gone_does_not_stop_the_stack() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    PlainDisplay(Gone()).step("still here")
    live = LiveDisplay(Console(file=Gone(), force_terminal=True))
    live.welcome(WELCOME)
    live.tasks([_task()])
    live.close()


def test_messages_in_doubt_come_with_what_to_do() -> None:
    output = io.StringIO()
    PlainDisplay(output).tasks([_task(unknown_count=60)])
    assert "60 unknown" in output.getvalue()
    assert "`ses task resolve-unknown sale`" in output.getvalue()
    on_screen = io.StringIO()
    live = LiveDisplay(Console(file=on_screen, force_terminal=True, width=300))
    live.welcome(WELCOME)
    live.tasks([_task(unknown_count=60)])
    live.close()
    assert "ses task resolve-unknown sale" in on_screen.getvalue()
