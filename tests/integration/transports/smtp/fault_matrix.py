"""Every fault at every step of the SMTP dialogue, with and without every extension: the cells, and the rule for each.

A cell is one run of the transport against a server of its own that misbehaves once (at the first message or session,
or at a later one) or for ever. All cells of a step run side by side in one event loop.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.refusal_streak import LIMIT_BEFORE_SUCCESS
from ses_ops.transports.flow.timers import AwakeClock
from ses_ops.transports.port import Delivery, Envelope
from ses_ops.transports.smtp.pipelining import Pipelining
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.script import (
    CLOSE,
    CLOSING,
    DRIP,
    DROP,
    ENDLESS,
    GARBAGE,
    GARBLE,
    HALF_LINE,
    HALF_LINE_CLOSE,
    HALF_REPLY,
    HANG,
    OVERLONG,
    PERMANENT,
    TAKEN_THEN_DROP,
    TAKEN_THEN_GARBAGE,
    TAKEN_THEN_HANG,
    TEMPORARY,
    TRUNCATE,
    WRONG_CODE,
    Act,
    Fault,
    Script,
    Step,
)
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import CONTENT, ListFeed, assert_lawful, envelopes
from tests.sizes import FULL

LOGIN_STEPS: tuple[Step, ...] = ("login", "password", "auth")
OPENING: tuple[Step, ...] = ("banner", "ehlo", "starttls", "tls", "ehlo again", *LOGIN_STEPS)
DIALOGUE: tuple[Step, ...] = ("mail", "rcpt", "data", "content", "final", "between")
LOSSES = (DROP, CLOSE, HANG, DRIP, GARBAGE, HALF_LINE, HALF_LINE_CLOSE, HALF_REPLY, OVERLONG, ENDLESS)
REPLIES = (CLOSING, TEMPORARY, PERMANENT)
TAKEN = (TAKEN_THEN_DROP, TAKEN_THEN_GARBAGE, TAKEN_THEN_HANG)
#: The right reply to something else.
WRONG_AT_DATA = Act("250 in place of 354", b"250 2.0.0 ok\r\n")

#: What a silent server is given, in seconds: on a busy machine fifty openings with TLS at once took more than one.
#: Any other wait would be WRONG_TIMEOUT, and far over LONGEST.
TIMEOUT, WRONG_TIMEOUT = 2.5, 40.0
#: The most that a run may take, in seconds that this process ran (Stopwatch), and when it is cut off, by the clock.
LONGEST, CUT_OFF = 15.0, 90.0
#: The most with a silent server: the timeout of one try, or of the few until one that is silent for ever is given up.
#: Beside it the runs that go on at the same time want to be served; 3.6 s in all were seen on a very busy machine.
SLACK = 5.0
LONGEST_SILENCE = {"first": TIMEOUT + SLACK, "later": TIMEOUT + SLACK, "always": 3 * TIMEOUT + SLACK}
#: Seconds between two looks of the Stopwatch.
TICK = 0.02
SIZE_LIMIT = 5_000
STRUCK, BEFORE = "struck@example.com", "before@example.com"

When = Literal["first", "later", "always"]


class Offers(NamedTuple):
    """The extensions that matter to a message."""

    mode: Pipelining
    size: bool
    eight_bit_mime: bool
    smtp_utf8: bool


#: How the dialogue is written; NONE: the server does not offer PIPELINING.
MODES = (Pipelining.ACROSS, Pipelining.GROUP, Pipelining.NONE)
ALL_OFFERS = tuple(Offers(*offered) for offered in itertools.product(MODES, *[(True, False)] * 3))
FEW_OFFERS = (
    Offers(Pipelining.ACROSS, True, True, True),
    Offers(Pipelining.GROUP, True, True, True),
    Offers(Pipelining.NONE, True, True, True),
    Offers(Pipelining.NONE, False, False, False),
)


@dataclass(frozen=True)
class Authority:
    """A certificate that the server has and the client trusts."""

    ca_file: str
    context: ssl.SSLContext


class Cell(NamedTuple):
    """One run."""

    step: Step
    act: Act
    when: When
    offers: Offers
    tls: Tls

    @property
    def silent(self) -> bool:
        """Whether the connection stays open, and no reply ever comes."""
        return self.act.then in ("hang", "drip") and self.act is not ENDLESS

    @property
    def not_tls(self) -> bool:
        """Whether port 465 shows that it speaks no TLS: as soon as a record's header is there, RFC 8446, 5.1."""
        return self.step == "tls" and self.tls is Tls.TLS and len(self.act.say) >= 5

    @property
    def reply(self) -> int | None:
        """The whole and well-formed reply that the server gives for a fault, if it is 4xx or 5xx."""
        return int(self.act.say[:3]) if self.act in REPLIES else None


def acts_at(step: Step, tls: Tls) -> Iterator[Act]:
    yield from LOSSES
    yield from REPLIES
    yield WRONG_AT_DATA if step == "data" else WRONG_CODE
    if step == "final":
        yield from TAKEN
    if tls is Tls.TLS or (tls is Tls.STARTTLS and step not in ("banner", "ehlo", "starttls")):
        yield from (TRUNCATE, GARBLE)


def offers_at(step: Step, tls: Tls) -> tuple[Offers, ...]:
    """All where they matter; only one set where the same opening is met without encryption, with a few sets."""
    if step in DIALOGUE:
        return ALL_OFFERS if tls is Tls.NONE else FEW_OFFERS
    met = tls is Tls.NONE or (tls is Tls.STARTTLS and step in ("starttls", "tls", "ehlo again"))
    return FEW_OFFERS if met else FEW_OFFERS[:1]


def moments(one: Offers, among: tuple[Offers, ...]) -> tuple[When, ...]:
    """When a server with these extensions misbehaves once: of all sets of extensions half at first and half later.

    Any three extensions meet at each moment, and any fault meets each set; `make test-full` has every set at both.
    """
    if FULL or among is not ALL_OFFERS:
        return ("first", "later")
    even = (MODES.index(one.mode) + one.size + one.eight_bit_mime + one.smtp_utf8) % 2 == 0
    return ("first",) if even else ("later",)


def cells_of(step: Step) -> list[Cell]:
    """All cells of a step."""
    cells: list[Cell] = []
    for tls in (Tls.NONE, Tls.STARTTLS, Tls.TLS):
        if (step in ("starttls", "ehlo again") and tls is not Tls.STARTTLS) or (step == "tls" and tls is Tls.NONE):
            continue
        for act in acts_at(step, tls):
            offers = offers_at(step, tls)
            cells += [Cell(step, act, when, one, tls) for one in offers for when in moments(one, offers)]
            if step != "between":
                cells += [Cell(step, act, "always", one, tls) for one in FEW_OFFERS[:3] if one in offers]
    return cells


# --- the rule


def right_outcome(cell: Cell) -> Delivery:
    """What must become of the one message that met the fault; between messages: of the next one.

    RFC 5321: a reply is a verdict on what was asked, by its first digit (4.2.1), one to MAIL about the sender (3.3);
    421 says that the server closes (3.8); a connection that is lost is tried again (3.8), unless the final dot was
    written: then the server may have taken the message without our hearing of it (6.1), and only a person may send it
    again.
    """
    if cell.step in OPENING or cell.step == "between":
        return Delivery.SENT  # by another connection; nobody fails for what a session met before any message
    if cell.step == "mail":
        # A connection that took mail of this sender is at its end; a new one has refused the sender.
        refused = cell.reply in (451, 550) and cell.when != "later"
        return Delivery.DEFERRED if refused else Delivery.SENT
    if cell.reply == 421:
        return Delivery.DEFERRED if cell.step in ("rcpt", "data") else Delivery.UNKNOWN
    if cell.reply is not None:
        return Delivery.DEFERRED if cell.reply < 500 else Delivery.FAILED
    if cell.step in ("rcpt", "data"):
        # Perhaps it was too much at once for the server: one command after the other may do.
        return Delivery.DEFERRED if cell.offers.mode is Pipelining.NONE else Delivery.SENT
    return Delivery.UNKNOWN


def right_outcomes_for_ever(cell: Cell) -> set[Delivery]:
    """What may become of messages to a server that never does better: nothing is sent, the untried is deferred."""
    outcome = right_outcome(cell)
    return {Delivery.DEFERRED} if outcome is Delivery.SENT else {outcome, Delivery.DEFERRED}


def ends_the_run(cell: Cell) -> bool:
    """Whether the transport must give up: a server that takes no message at all, or refuses a login at once."""
    if cell.when == "always":
        return True
    wrong = (PERMANENT, WRONG_CODE) if cell.step in LOGIN_STEPS else (PERMANENT,)
    refused = cell.step in OPENING and cell.step != "tls" and cell.act in wrong
    return cell.when == "first" and (refused or cell.not_tls)


def right_for_others(envelope: Envelope, offers: Offers) -> Delivery:
    """A message that met no fault is sent, unless the server lacks what it needs."""
    if not envelope.recipient.isascii() and not offers.smtp_utf8:
        return Delivery.FAILED
    if not envelope.content.isascii() and not offers.eight_bit_mime:
        return Delivery.FAILED
    if len(envelope.content) > SIZE_LIMIT and offers.size:
        return Delivery.FAILED
    return Delivery.SENT


# --- a run

_MANY = tuple(one._replace(sender=STRUCK) for one in envelopes(300))


def mailing(cell: Cell) -> list[Envelope]:
    """Seven or eight messages, one of which will meet the fault; for ever: many, which all will."""
    if cell.when == "always":
        return list(_MANY)
    sender = "news@mail.example.com"
    needy = [
        ("jürgen@bücher.example", CONTENT),
        ("eight-bit@example.com", "Subject: x\r\n\r\ngrüße\r\n".encode()),
        ("long@example.com", CONTENT + (b"x" * 70 + b"\r\n") * 80),
    ]
    struck = ([(BEFORE, CONTENT)] if cell.step == "between" else []) + [(STRUCK, CONTENT)]
    plain = [(f"user{n}@example.com", CONTENT) for n in range(3)]
    given = [*struck, *needy, *plain] if cell.when == "first" else [needy[0], plain[0], *struck, *needy[1:], *plain[1:]]
    return [
        Envelope(seq, STRUCK if recipient == STRUCK else sender, recipient, content)
        for seq, (recipient, content) in enumerate(given, start=1)
    ]


def script_of(cell: Cell, authority: Authority) -> Script:
    whom = None if cell.step in OPENING or cell.when == "always" else BEFORE if cell.step == "between" else STRUCK
    at = 2 if cell.step in OPENING and cell.when == "later" else 1
    fault = Fault(cell.step, cell.act, at=at, times=None if cell.when == "always" else 1, recipient=whom)
    return Script(
        faults=(fault,),
        pipelining=cell.offers.mode is not Pipelining.NONE,
        size=SIZE_LIMIT if cell.offers.size else None,
        eight_bit_mime=cell.offers.eight_bit_mime,
        smtp_utf8=cell.offers.smtp_utf8,
        starttls=authority.context if cell.tls is Tls.STARTTLS else None,
        implicit_tls=authority.context if cell.tls is Tls.TLS else None,
        logins={"user": "pw"} if cell.step in LOGIN_STEPS else None,
        drip=TIMEOUT / 2,
        mechanisms=("PLAIN",) if cell.step == "auth" else ("LOGIN",),
        # A second session in the middle of the mailing.
        max_messages_per_connection=3 if at == 2 else None,
    )


def settings_of(cell: Cell, server: ScriptedServer, authority: Authority) -> SmtpSettings:
    # With the other one so long that the wrong one would be noticed.
    timeout, data_timeout = (TIMEOUT, WRONG_TIMEOUT) if cell.silent else (WRONG_TIMEOUT, WRONG_TIMEOUT)
    if cell.silent and cell.step in ("content", "final"):
        timeout, data_timeout = data_timeout, timeout
    return SmtpSettings(
        host=server.host,
        port=server.port,
        tls=cell.tls,
        ca_file=authority.ca_file if cell.tls is not Tls.NONE else None,
        login="user" if cell.step in LOGIN_STEPS else None,
        password="pw" if cell.step in LOGIN_STEPS else None,
        connections=2 if cell.when == "always" else 1,
        pipelining=cell.offers.mode,
        timeout=timeout,
        greeting_timeout=timeout,
        data_timeout=data_timeout,
        unavailable_after=0.5 if cell.when == "always" else 10.0,
    )


@dataclass
class Result:
    """What one cell brought."""

    cell: Cell
    given: list[Envelope]
    feed: ListFeed
    server: ScriptedServer
    error: TransportUnavailable | None = None
    seconds: float = 0.0
    complaints: list[str] = field(default_factory=list)


class Stopwatch:
    """Seconds that this process ran (AwakeClock): waiting for a busy machine is no silence of a server."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._clock = AwakeClock()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.seconds = self._clock.tick(time.monotonic(), at_most=2 * TICK)
            await asyncio.sleep(TICK)


async def run_cell(cell: Cell, authority: Authority, watch: Stopwatch) -> Result:
    async with ScriptedServer(script_of(cell, authority)) as server:
        given = mailing(cell)
        result = Result(cell, given, ListFeed(given), server)
        transport = SmtpTransport(settings_of(cell, server, authority))
        transport.drain()
        started = watch.seconds
        try:
            async with asyncio.timeout(CUT_OFF):
                await transport.run(result.feed)
        except TransportUnavailable as error:
            result.error = error
        except TimeoutError:
            result.complaints.append(f"it did not end within {CUT_OFF:g} s")
        result.seconds = watch.seconds - started
    return result


async def run_step(step: Step, authority: Authority, *, at_once: int = 50) -> list[Result]:
    """Run all cells of a step, some of them at once, and judge them."""
    room, watch = asyncio.Semaphore(at_once), Stopwatch()

    async def one(cell: Cell) -> Result:
        async with room:
            result = await run_cell(cell, authority, watch)
        judge(result)
        return result

    watching = asyncio.create_task(watch.run())
    try:
        return await asyncio.gather(*map(one, cells_of(step)))
    finally:
        watching.cancel()


def judge(result: Result) -> None:
    """Write down whatever is not as the rule says."""
    cell, feed, complain = result.cell, result.feed, result.complaints.append
    if not result.server.misbehaved:
        complain("the fault was never played")
    try:
        assert_lawful(result.server, feed)
    except AssertionError as broken:
        complain(str(broken).splitlines()[0])
    longest = LONGEST_SILENCE[cell.when] if cell.silent else LONGEST
    if result.seconds > longest:
        complain(f"it took {result.seconds:.1f} s, at most {longest:g} are right; one timeout is {TIMEOUT:g} s")
    if (result.error is not None) != ends_the_run(cell):
        complain(f"the run ended with {result.error!r}")
    if result.error is not None and f"127.0.0.1:{result.server.port}: " not in str(result.error):
        complain(f"the error does not name the server: {result.error}")
    if cell.when == "always":
        wrong = set(feed.count()) - right_outcomes_for_ever(cell)
        # A reply of 451 or 550 is about one message: it takes some of them.
        most = LIMIT_BEFORE_SUCCESS + 10 if cell.step in DIALOGUE and cell.reply in (451, 550) else 40
        if ends_the_run(cell) and len(feed.taken) > most:
            complain(f"{len(feed.taken)} messages were tried on a server that serves nobody")
    elif ends_the_run(cell):
        wrong = set(feed.count()) - {Delivery.DEFERRED}
    else:
        judge_each(result)
        return
    if wrong:
        complain(f"outcomes {wrong} in {feed.count()}")


def judge_each(result: Result) -> None:
    cell, feed = result.cell, result.feed
    for envelope in result.given:
        outcome = feed.outcomes.get(envelope.seq)
        struck = envelope.recipient == STRUCK and cell.step in DIALOGUE
        right = right_outcome(cell) if struck else right_for_others(envelope, cell.offers)
        if outcome is None or outcome.delivery is not right:
            result.complaints.append(f"{envelope.recipient}: must be {right}, is {outcome}")
        elif struck and cell.reply is not None and right is not Delivery.SENT and outcome.code != cell.reply:
            result.complaints.append(f"{envelope.recipient}: must have code {cell.reply}, is {outcome}")
