"""Who asks, at the command line: the user of the shell, who may do everything."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_ops.application.ports import Actor


def shell_actor() -> Actor:
    """The actor that types commands."""
    from ses_ops.application.ports import Actor

    return Actor(name=shell_user())


def shell_user() -> str:
    """Who types."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "the command line"
