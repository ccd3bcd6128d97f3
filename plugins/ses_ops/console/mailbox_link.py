"""The link to the local mailbox of `make run`, which delivers no mail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.errors import SesError

if TYPE_CHECKING:
    from starlette.requests import Request

#: Names of this machine: the mailbox listens on the loopback address only, and cannot be opened by other names.
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def mailbox_url(request: Request) -> str | None:
    """The mailbox's URL without a last slash; None when mail goes elsewhere, or the browser cannot open the mailbox."""
    if request.url.hostname not in _THIS_MACHINE:
        return None
    try:
        stack = settings.running_stack()
    except SesError:
        return None
    # The processes of the stack have its mail server in their environment; those of another Airflow on the same
    # checkout do not.
    if stack is None or os.environ.get(settings.SES_SMTP) != stack.smtp_uri:
        return None
    return stack.mailbox_url
