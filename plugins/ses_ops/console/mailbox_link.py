"""Where the mail of `make run` can be read: the page of its local mailbox, which delivers nothing to anybody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from starlette.requests import Request

#: The mailbox listens on the loopback address only: who opens the console by another name cannot open it.
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def mailbox_url(request: Request) -> str | None:
    """The mailbox's address without its last slash; None when mail goes elsewhere, or this browser cannot open it."""
    if request.url.hostname not in _THIS_MACHINE:
        return None
    try:
        stack = settings.running_stack()
    except SesError:
        return None
    # The stack's own processes have it in their environment. Those of another Airflow, on the same checkout, do not.
    if stack is None or os.environ.get(settings.SES_SMTP) != stack.smtp_uri:
        return None
    return stack.mailbox_url
