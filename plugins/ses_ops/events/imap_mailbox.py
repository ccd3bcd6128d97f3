"""A mailbox that bounces come to, read by IMAP (RFC 3501).

What was read is known by where it lies: a mail leaves the folder after what it says is stored. So there is no state
beside the mailbox, and it does not matter when a server renumbers its mails (UIDVALIDITY) or a run dies: a mail that
was stored and not moved is read again, and changes nothing.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ses_ops.errors import ConnectionProblem, SesError

if TYPE_CHECKING:
    from ses_ops.airflow_connection import ConnectionFields

#: Octets of a mail that are fetched, mails of one fetch, and seconds that the server has for an answer.
MAX_MAIL, _AT_ONCE, _PATIENCE = 1024 * 1024, 20, 30.0
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
_UID = re.compile(rb"\bUID (\d+)")


class MailboxUnavailable(SesError):
    """The mailbox cannot be read now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxSettings:
    """A mailbox, and what becomes of its mails."""

    source: str
    host: str
    port: int
    login: str
    password: str
    #: `implicit` TLS, `starttls`, or `none`.
    tls: str = "implicit"
    folder: str = "INBOX"
    #: The folder that mails go to which were read; "" deletes them.
    read_folder: str = "Read by ses-ops"
    #: The folder of mails that were not understood.
    unread_folder: str = "Not understood by ses-ops"

    @classmethod
    def of(cls, given: ConnectionFields) -> MailboxSettings:
        """The settings of an Airflow connection; its extra: `tls`, `folder`, `read_folder`, `unread_folder`.

        Raises ConnectionProblem.
        """
        if not given.host:
            raise ConnectionProblem("mailbox_without_host", where=given.source)
        names = ("tls", "folder", "read_folder", "unread_folder")
        extra = {name: str(given.extra[name]) for name in names if name in given.extra}
        tls = extra.get("tls", "implicit")
        if tls not in _PORTS:
            raise ConnectionProblem("mailbox_tls_unknown", value=tls, where=given.source, field="extra.tls")
        if extra.get("unread_folder") == "":
            raise ConnectionProblem("mailbox_needs_a_folder", where=given.source, field="extra.unread_folder")
        return cls(
            source=given.source,
            host=given.host,
            port=given.port or _PORTS[tls],
            login=given.login,
            password=given.password,
            **extra,
        )


class ImapMailbox:
    """An open mailbox, as a context manager. Every call may raise MailboxUnavailable."""

    def __init__(self, settings: MailboxSettings) -> None:
        self.settings = settings

    def __enter__(self) -> Self:
        try:
            self._open()
        except (OSError, imaplib.IMAP4.error, ssl.SSLError) as cause:
            raise self._unavailable(cause) from cause
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def mails(self, most: int) -> Iterator[list[tuple[str, bytes]]]:
        """The mails of the folder in the order of their arrival, at most `most`, in lists of (UID, mail)."""
        try:
            _, (found, *_) = self._imap.uid("SEARCH", "UNDELETED")
            uids = (found or b"").split()[:most]
            for begin in range(0, len(uids), _AT_ONCE):
                yield self._fetched([uid.decode("ascii") for uid in uids[begin : begin + _AT_ONCE]])
        except (OSError, imaplib.IMAP4.error) as cause:
            raise self._unavailable(cause) from cause

    def finish(self, read: Sequence[str], not_understood: Sequence[str]) -> None:
        """Move mails out of the folder, after what they say is stored."""
        try:
            self._leave(read, self.settings.read_folder)
            self._leave(not_understood, self.settings.unread_folder)
        except (OSError, imaplib.IMAP4.error) as cause:
            raise self._unavailable(cause) from cause

    def _open(self) -> None:
        given = self.settings
        context = ssl.create_default_context()
        if given.tls == "implicit":
            self._imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                given.host, given.port, ssl_context=context, timeout=_PATIENCE
            )
        else:
            self._imap = imaplib.IMAP4(given.host, given.port, timeout=_PATIENCE)
            if given.tls == "starttls":
                self._imap.starttls(context)
        self._imap.login(given.login, given.password)
        # Servers say more after the login than before it, and imaplib has asked before.
        _, answer = self._imap.capability()
        self._can = frozenset(b" ".join(one for one in answer if one).decode("ascii", "replace").upper().split())
        self._ok(self._imap.select(_quoted(given.folder)))

    def _fetched(self, uids: Sequence[str]) -> list[tuple[str, bytes]]:
        _, answer = self._imap.uid("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{MAX_MAIL}>)")
        mails = {}
        for part in answer:
            if isinstance(part, tuple) and (uid := _UID.search(part[0])):
                mails[uid[1].decode("ascii")] = bytes(part[1])
        # A mail that the server cannot give is set aside unread, or it would be in the way of all that follow.
        return [(uid, mails.get(uid, b"")) for uid in uids]

    def _leave(self, uids: Sequence[str], folder: str) -> None:
        if not uids:
            return
        numbers = ",".join(uids)
        if folder:
            self._imap.create(_quoted(folder))  # NO: it is there
            if "MOVE" in self._can:
                self._ok(self._imap.uid("MOVE", numbers, _quoted(folder)))
                return
            self._ok(self._imap.uid("COPY", numbers, _quoted(folder)))
        self._ok(self._imap.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._can:  # a plain EXPUNGE would remove what others have marked (RFC 4315)
            self._ok(self._imap.uid("EXPUNGE", numbers))

    def _ok(self, answer: tuple[str, object]) -> None:
        if answer[0] != "OK":
            raise imaplib.IMAP4.error(str(answer[1])[:200])

    def _unavailable(self, cause: Exception) -> MailboxUnavailable:
        words = " ".join(str(cause).split())[:200]
        if self.settings.password:
            words = words.replace(self.settings.password, "...")
        return MailboxUnavailable("mailbox_not_read", where=self.settings.source, cause=words)


def _quoted(folder: str) -> str:
    """A folder as a quoted string of IMAP; letters that are not ASCII in modified UTF-7 (RFC 3501 5.1.3)."""
    octets = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", folder):
        if run.isascii():
            octets.append(run.replace("&", "&-"))
        else:
            octets.append("&" + run.encode("utf-7").decode("ascii").strip("+-").replace("/", ",") + "-")
    return '"' + "".join(octets).replace("\\", "\\\\").replace('"', '\\"') + '"'
