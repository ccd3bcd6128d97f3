"""What the simulator does after it has taken a message: reports by SMTP, and the click on an unsubscribe link.

Both are tried again while the listener that takes them is unavailable, for an hour. What is pending when the mailbox
ends is kept in its folder, and begun anew when it starts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import smtplib
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from ses_ops.stack.mailbox.simulated import Simulated, report, simulated, unsubscribe_link

#: Seconds between the first two tries; each pause is twice as long as the one before, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
#: Number of tries, which is about an hour.
MOST_TRIES = 250
#: Number of reports and clicks that are pending at once; what would be more is not done.
MOST_PENDING = 10_000
#: Number of reports that are delivered at once.
_AT_ONCE = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """A report that is delivered to a bounce address, or a link that is followed."""

    recipient: str
    bounce_address: str = ""
    report: str = ""
    link: str = ""


class Answers:
    """Does what the addresses of a message ask for."""

    def __init__(
        self, *, bounce_port: int | None, public_url: str | None, host: str = "127.0.0.1", kept: Path | None = None
    ) -> None:
        """Without `bounce_port` there are no reports. Only links that begin with `public_url` are followed.

        `kept`: the file of what is pending while the mailbox does not run.
        """
        self._host = host
        self._bounce_port = bounce_port
        self._public_url = public_url
        self._kept = kept
        self._pending: dict[asyncio.Task[None], _Answer] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._closed = False

    def begin(self, mail_from: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """Begin what a message that was stored asks for; returns at once."""
        for recipient in recipients:
            what = simulated(recipient)
            answer = self._answer(what, mail_from, recipient, raw) if what else None
            if answer is not None:
                self._begin(answer)

    def resume(self) -> None:
        """Begin what was pending when the mailbox ended."""
        if self._kept is None:
            return
        with suppress(OSError, ValueError, TypeError):  # nothing was kept, or not whole: it is a simulator
            for line in self._kept.read_text("utf-8").splitlines():
                self._begin(_Answer(**json.loads(line)))
        self._kept.unlink(missing_ok=True)

    def close(self) -> None:
        """End what is pending, and keep it, and what is begun from now on: mail comes until the process has ended."""
        self._closed = True
        self._keep(*self._pending.values())
        for task in list(self._pending):
            task.cancel()

    def _keep(self, *answers: _Answer) -> None:
        if self._kept is not None and answers:
            with suppress(OSError), self._kept.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in answers)

    def _begin(self, answer: _Answer) -> None:
        if self._closed:
            self._keep(answer)
        elif len(self._pending) < MOST_PENDING:
            task = asyncio.get_running_loop().create_task(self._repeat(answer))
            self._pending[task] = answer
            task.add_done_callback(lambda ended: self._pending.pop(ended, None))

    def _answer(self, what: Simulated, mail_from: str, recipient: str, raw: bytes) -> _Answer | None:
        if what is Simulated.UNSUBSCRIBE:
            link = unsubscribe_link(raw)
            wanted = link is not None and self._public_url is not None and link.startswith(self._public_url + "/")
            return _Answer(recipient=recipient, link=str(link)) if wanted else None
        made = report(what, mail_from=mail_from, recipient=recipient, raw=raw, at=datetime.now(UTC))
        if made is None or self._bounce_port is None:
            return None
        return _Answer(recipient=recipient, bounce_address=mail_from, report=made.decode("utf-8", "replace"))

    def _act(self, answer: _Answer) -> None:
        if answer.link:
            _follow(answer.link)
        elif self._bounce_port is not None:
            _deliver(self._host, self._bounce_port, answer.bounce_address, answer.report.encode())

    async def _repeat(self, answer: _Answer) -> None:
        recipient, pause = answer.recipient, FIRST_PAUSE
        for _ in range(MOST_TRIES):
            try:
                async with self._at_once:
                    await asyncio.to_thread(self._act, answer)
                return
            except (OSError, smtplib.SMTPException, httpx.HTTPError) as problem:
                if _is_final(problem):
                    _log.warning("the answer of %s is refused: %s", recipient, problem)
                    return
                _log.info("the answer of %s is not taken yet: %s", recipient, problem)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _is_final(problem: Exception) -> bool:
    """Whether the listener has refused for good."""
    if isinstance(problem, httpx.HTTPStatusError):
        return problem.response.status_code < 500 and problem.response.status_code != 429
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in problem.recipients.values())
    return isinstance(problem, smtplib.SMTPResponseException) and problem.smtp_code >= 500


def _deliver(host: str, port: int, mail_from: str, content: bytes) -> None:
    """Deliver a report, with the null reverse-path that reports have (RFC 5321 4.5.5)."""
    options = [] if content.isascii() else ["BODY=8BITMIME"]
    with smtplib.SMTP(host, port, timeout=15) as server:
        server.sendmail("", [mail_from], content, mail_options=options)


def _follow(link: str) -> None:
    """Open the link, then send what a mail program sends when its user presses *unsubscribe* (RFC 8058)."""
    with httpx.Client(timeout=15, follow_redirects=False, trust_env=False) as client:
        client.get(link).raise_for_status()
        client.post(link, data={"List-Unsubscribe": "One-Click"}).raise_for_status()
