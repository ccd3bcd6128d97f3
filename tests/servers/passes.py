"""One pass: a mailing against a running server, and the comparison of the ledger with the server's store."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from tests.servers.mail_server import MailServer
from tests.servers.mailing import Mailing, Sent, words
from tests.servers.nasty_mail import Person

#: Seconds without a new message in the store, after which what is missing is missing: servers deliver in their time.
STILL = 6.0
_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*(<[^>\r\n]+>)", re.IGNORECASE | re.MULTILINE)
_TRACE = re.compile(rb"^Received:.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(rb"^Date:[^\r\n]*", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Pass:
    """The figures of one mailing."""

    messages: int
    sent: int
    failed: int
    unknown: int
    #: Not sent yet: what the engine, or the end of its time, left.
    left: int
    #: Recipients on the suppression list after it.
    suppressed: int
    #: Sent by the ledger and not in the store.
    missing: int
    #: A few of whose messages are missing or altered.
    whose: list[str]
    #: In the store more than once, as the server has taken it more than once.
    doubled: int
    #: In the store more than once, though the server has taken it once: its own doing, in a restart.
    redelivered: int
    #: Failed or still to be sent by the ledger, and yet in the store.
    stored_unsent: int
    #: Unknown, and in the store.
    stored_unknown: int
    #: In the store with another content than was sent (header fields that the server added aside).
    altered: int
    seconds: float
    #: What the server said of those that were not sent.
    words: str
    #: What ended the attempts that were no success.
    endings: list[str]

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.sent / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, object]:
        """All figures, the rate among them."""
        return {**asdict(self), "rate": round(self.rate, 1)}


def one_pass(
    mailing: Mailing,
    server: MailServer,
    name: str,
    people: list[Person],
    *,
    extras: Mapping[str, str],
    seconds: float,
    port: int | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Pass:
    """Mail these people and count. `port` may be that of something before the server."""
    uri = server.uri(port or server.port, extras)
    sent = mailing.mail(name, people, uri, seconds=seconds, meanwhile=meanwhile)
    _wait_for_store(server, sent)
    return _compared(sent, server.stored())


def _wait_for_store(server: MailServer, sent: Sent) -> None:
    """Until the store holds as many messages as were sent (other mailings' count too), or has stood still."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < STILL:
        count = server.stored_count()
        if count != last:
            last, since = count, time.monotonic()
        elif count >= sent.states["sent"] and not _missing(sent, server.stored()):
            return
        time.sleep(0.1)


def _missing(sent: Sent, stored: list[bytes]) -> set[str]:
    there = {message_id(content) for content in stored}
    return {key for key, (state, _, _) in sent.messages.items() if state == "sent" and key not in there}


def _compared(sent: Sent, stored: list[bytes]) -> Pass:
    found: dict[str, list[bytes]] = defaultdict(list)
    for content in stored:
        found[message_id(content)].append(content)
    # Other passes against the same server have other Message-IDs.
    there = Counter({key: len(found[key]) for key in sent.messages if key in found})
    states = {key: state for key, (state, _, _) in sent.messages.items()}
    absent = [key for key, state in states.items() if state == "sent" and key not in there]
    altered = [key for key in there if not _same(found[key][0], sent.contents[key])]
    pending = len(states) - sum(sent.states[name] for name in ("sent", "failed", "unknown", "suppressed"))
    return Pass(
        messages=len(states),
        sent=sent.states["sent"],
        failed=sent.states["failed"],
        unknown=sent.states["unknown"],
        left=pending,
        suppressed=sent.suppressed_for_ever,
        missing=len(absent),
        whose=[sent.messages[key][1] for key in (absent + altered)[:8]],
        doubled=sum(_times_taken(found[key]) > 1 for key in there),
        redelivered=sum(count > _times_taken(found[key]) for key, count in there.items()),
        stored_unsent=sum(states[key] not in ("sent", "unknown") for key in there),
        stored_unknown=sum(states[key] == "unknown" for key in there),
        altered=len(altered),
        seconds=round(sent.seconds, 2),
        words=_all_words(sent),
        endings=sent.endings,
    )


def _all_words(sent: Sent) -> str:
    said = [
        f"{title}: {text}"
        for title, states in (("failed", ["failed"]), ("unknown", ["unknown"]), ("left", ["queued", "requeued"]))
        if (text := words(sent.messages, states))
    ]
    return " | ".join(said + sorted(set(sent.endings), key=sent.endings.index)[:2])


def message_id(content: bytes) -> str:
    """The Message-ID of a stored message, with its angle brackets; empty without one."""
    match = _MESSAGE_ID.search(re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0])
    return match[1].decode("ascii", "replace") if match else ""


def _times_taken(copies: list[bytes]) -> int:
    """How often the server took a message that it has these copies of: each time has a Received field of its own.

    A server that writes none gives no sign: then every copy is one.
    """
    traces = [_TRACE.findall(content.replace(b"\r\n", b"\n").split(b"\nFrom: ", 1)[0]) for content in copies]
    return len({b"".join(trace) for trace in traces}) if all(traces) else len(copies)


def _same(stored: bytes, made: bytes) -> bool:
    """Whether `stored` is what was made, below the fields that servers put on top, whatever ends its lines."""
    return _from_own_head(stored) == _from_own_head(made)


def _from_own_head(content: bytes) -> bytes:
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n")
    # Our own messages begin with From; what a server adds stands before it.
    start = re.search(rb"^From: ", lines, re.MULTILINE)
    # The Date is the moment of rendering.
    return _DATE.sub(b"Date:", lines[start.start() :] if start else lines, count=1)
