"""`python -m ses_ops.stack.mailbox.server`: the mailbox's process, with SMTP and web page."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import warnings
from pathlib import Path

import uvicorn
import uvloop

from ses_ops.stack.mailbox.answers import Answers
from ses_ops.stack.mailbox.reading import search_words
from ses_ops.stack.mailbox.smtp import smtp_server
from ses_ops.stack.mailbox.store import MessageStore, MessageWriter
from ses_ops.stack.mailbox.web import mailbox_app

LOOPBACK = "127.0.0.1"


class _Web(uvicorn.Server):
    """The web page; it ends with the signal that it got, so what is to be kept is kept before that."""

    def __init__(self, config: uvicorn.Config, answers: Answers) -> None:
        super().__init__(config)
        self._answers = answers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the page, and keep what the simulator has not done yet."""
        self._answers.close()
        await super().shutdown(sockets)


async def serve(
    folder: Path,
    smtp_port: int,
    web_port: int,
    *,
    bounce_port: int | None = None,
    public_url: str | None = None,
    reject_login: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM; every message accepted by then is on disk.

    `bounce_port` and `public_url` are where the simulator's addresses answer to.
    """
    store = MessageStore(folder, search_words)
    answers = Answers(bounce_port=bounce_port, public_url=public_url, kept=folder / "pending-answers.jsonl")
    answers.resume()
    writer = MessageWriter(store)
    writing = asyncio.create_task(writer.run())
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: smtp_server(writer, answers, reject_login=reject_login), LOOPBACK, smtp_port, backlog=512
    )
    config = uvicorn.Config(mailbox_app(store), host=LOOPBACK, port=web_port, log_level="warning")
    config.timeout_graceful_shutdown = 2
    web = _Web(config, answers)
    try:
        await web.serve()
    finally:
        smtp.close()
        writing.cancel()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m ses_ops.stack.mailbox.server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the messages are kept")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    parser.add_argument("--bounce-port", type=int, help="where the simulator's reports go by SMTP, on this machine")
    parser.add_argument("--public-url", help="how the unsubscribe links begin that the simulator follows")
    parser.add_argument("--reject-login", action="store_true", help="demand a login and refuse it (for tests)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    warnings.filterwarnings("ignore", module="aiosmtpd")  # aiosmtpd warns that a login without TLS is possible
    uvloop.run(
        serve(
            given.folder,
            given.smtp_port,
            given.web_port,
            bounce_port=given.bounce_port,
            public_url=(given.public_url or "").rstrip("/") or None,
            reject_login=given.reject_login,
        )
    )


if __name__ == "__main__":
    main()
