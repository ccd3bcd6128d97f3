"""The actor of the command line: the shell's user, who may do everything."""

from __future__ import annotations

import getpass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ses_ops.application.ports import Actor
    from ses_ops.cli.audit import ShellAuditLog


def shell_actor() -> Actor:
    """The actor of a command."""
    from ses_ops.application.ports import Actor

    return Actor(name=shell_user(), audit=audit_log())


def signing_actor() -> Actor:
    """The actor of a command with a name that mentions the command line, for the suppression list."""
    from ses_ops.application.ports import Actor

    return Actor(name=signature(), audit=audit_log())


@cache
def audit_log() -> ShellAuditLog:
    """The audit log of this process."""
    from ses_ops.cli.audit import ShellAuditLog

    return ShellAuditLog(signature())


def signature() -> str:
    """The user of the shell, as pages of the console show it."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user id without a name
        return "command line"


def shell_user() -> str:
    """The user of the shell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "the command line"
