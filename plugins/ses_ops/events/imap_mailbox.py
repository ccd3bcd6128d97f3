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
from typing import TYPE_CHECKING, Any, Self

from ses_ops.errors import ConnectionProblem, SesError

if TYPE_CHECKING:
    from ses_ops.airflow_connection import ConnectionFields

#: Octets of a mail that are fetched, mails of one fetch, and seconds that the server has for an answer.
MAX_MAIL, _AT_ONCE, _PATIENCE = 1024 * 1024, 20, 30.0
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
#: Mails of one search: imaplib reads no line of more than 1,000,000 octets, which name 130,000 mails.
_SEARCHED = 10_000
_UID = re.compile(rb"\bUID (\d+)")
#: The prefix of a person's own folders, as the answer to NAMESPACE begins with it (RFC 2342).
_PREFIX = re.compile(rb'\(\("((?:[^"\\]|\\.)*)"')


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
            uids = self._found(most)
            for begin in range(0, len(uids), _AT_ONCE):
                yield self._fetched(uids[begin : begin + _AT_ONCE])
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
        self._prefix = self._own_prefix() if "NAMESPACE" in self._can else ""
        (count, *_) = self._ok(self._imap.select(_quoted(given.folder)))
        self._count = int(count or 0)

    def _own_prefix(self) -> str:
        """What the names of all own folders begin with: "" for most servers, `INBOX.` for some."""
        _, (answer, *_) = self._imap.namespace()
        found = _PREFIX.match(answer or b"")
        return re.sub(r"\\(.)", r"\1", found[1].decode("ascii", "replace")) if found else ""

    def _found(self, most: int) -> list[str]:
        uids: list[str] = []
        for first in range(1, self._count + 1, _SEARCHED):
            span = f"{first}:{min(first + _SEARCHED - 1, self._count)}"
            (found, *_) = self._ok(self._imap.uid("SEARCH", span, "UNDELETED"))
            uids += (found or b"").decode("ascii").split()
            if len(uids) >= most:
                break
        return uids[:most]

    def _fetched(self, uids: Sequence[str]) -> list[tuple[str, bytes]]:
        """Mails; without those that are gone meanwhile, and empty where the server cannot give one.

        That one is set aside unread, or it would be in the way of all that follow. A server that gives none of them
        has trouble of its own, and nothing is set aside. Raises IMAP4.error.
        """
        status, answer = self._fetch(uids)
        if status == "OK":
            return _mails(answer)
        mails: list[tuple[str, bytes]] = []
        refused: list[str] = []
        for uid in uids if len(uids) > 1 else ():
            one, parts = self._fetch([uid])
            mails += _mails(parts) if one == "OK" else ()
            refused += [uid] if one != "OK" else []
        if not mails:
            raise imaplib.IMAP4.error(str(answer)[:200])
        return mails + [(uid, b"") for uid in refused]

    def _fetch(self, uids: Sequence[str]) -> tuple[str, list[Any]]:
        return self._imap.uid("FETCH", ",".join(uids), f"(UID BODY.PEEK[]<0.{MAX_MAIL}>)")

    def _leave(self, uids: Sequence[str], folder: str) -> None:
        if not uids:
            return
        numbers = ",".join(uids)
        if folder:
            if not folder.lower().startswith(self._prefix.lower()):
                folder = self._prefix + folder
            self._imap.create(_quoted(folder))  # NO: it is there
            if "MOVE" in self._can:
                self._ok(self._imap.uid("MOVE", numbers, _quoted(folder)))
                return
            self._ok(self._imap.uid("COPY", numbers, _quoted(folder)))
        self._ok(self._imap.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._can:  # a plain EXPUNGE would remove what others have marked (RFC 4315)
            self._ok(self._imap.uid("EXPUNGE", numbers))

    def _ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        if answer[0] != "OK":
            raise imaplib.IMAP4.error(str(answer[1])[:200])
        return answer[1]

    def _unavailable(self, cause: Exception) -> MailboxUnavailable:
        words = " ".join(str(cause).split())[:200]
        if self.settings.password:
            words = words.replace(self.settings.password, "...")
        return MailboxUnavailable("mailbox_not_read", where=self.settings.source, cause=words)


def _mails(answer: Sequence[Any]) -> list[tuple[str, bytes]]:
    """The mails of an answer to FETCH, by their UID, which servers write before or behind the mail.

    imaplib gives a mail as a pair of what stands before it and the mail, and then what follows; a mail that is no
    literal (`BODY[]<0> ""` or NIL) as one text.
    """
    mails = []
    for number, part in enumerate(answer):
        rest = b"" if number + 1 == len(answer) or isinstance(answer[number + 1], tuple) else answer[number + 1]
        if isinstance(part, tuple):
            uid, mail = _UID.search(part[0]) or _UID.search(rest or b""), bytes(part[1])
        else:
            uid, mail = (_UID.search(part) if part and b"BODY[]" in part else None), b""
        if uid is not None:
            mails.append((uid[1].decode("ascii"), mail))
    return mails


def _quoted(folder: str) -> str:
    """A folder as a quoted string of IMAP; letters that are not ASCII in modified UTF-7 (RFC 3501 5.1.3)."""
    octets = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", folder):
        if run.isascii():
            octets.append(run.replace("&", "&-"))
        else:
            octets.append("&" + run.encode("utf-7").decode("ascii").strip("+-").replace("/", ",") + "-")
    return '"' + "".join(octets).replace("\\", "\\\\").replace('"', '\\"') + '"'
