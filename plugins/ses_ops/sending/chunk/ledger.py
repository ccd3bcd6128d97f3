"""The ledger's side of sending a chunk: batches of outcomes in, batches of marked messages out, one commit each.

A batch's outcomes are written and the mark moves over the next batch in the same statement, so few messages are ever
in doubt, and the database commits a few hundred times a second instead of ten thousand.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import AttemptSuperseded
from ses_ops.sending.chunk.claim import FENCE, Attempt, check_still_mine
from ses_ops.storage.async_connection import AsyncConnection
from ses_ops.storage.connection import KEY_LOOKUPS, connect, transaction
from ses_ops.storage.named_sql import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import connection as Connection

APPLICATION = "ses-ops send"
_STEP = "EXECUTE ledger_step (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s)"
_AGAIN = "EXECUTE ledger_again (%s, %s, %s, %s, %s, %s)"


class Marked(NamedTuple):
    """A message that may be sent now: its mark is committed."""

    seq: int
    address: str
    values: dict[str, str]
    tries: int
    #: It had failed, and a person asked for another try: a refusal of it says nothing new of the server.
    retried: bool = False


class Written(NamedTuple):
    """An outcome to be written. `tried` is 1 when the server was asked, else 0."""

    seq: int
    state: MessageState
    code: int | None
    text: str
    tried: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one commit brought."""

    marked: list[Marked]
    #: No unmarked message is left in the chunk.
    exhausted: bool
    #: Why sending must stop now: paused, cancelled, or the quota day is over.
    stop_reason: str | None = None


@dataclass(slots=True)
class ChunkLedger:
    """Reads and writes the messages of one claimed chunk, inside the event loop."""

    #: Holds the claim's advisory lock; idle while sending.
    control: Connection
    dsn: str
    attempt: Attempt
    through: int = field(init=False)
    #: Outcomes that this attempt has written, by state.
    counts: dict[str, int] = field(init=False)
    #: Places of the day's quota that were given up for tries that ended in doubt.
    given_up: int = field(init=False, default=0)
    _conn: AsyncConnection = field(init=False)
    #: Statements of this attempt that were committed, as the chunk counts them.
    _steps: int = field(init=False, default=0)
    #: The server's processes that hold or held the claim: one may not have noticed yet that its connection is lost.
    _sessions: list[int] = field(init=False)
    #: Whether the statement whose answer was lost did happen; None: no answer was lost.
    _happened: bool | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.through = max(self.attempt.sending_through, self.attempt.first_seq - 1)
        self._sessions = [self.control.info.backend_pid]
        self.counts = dict.fromkeys(("sent", "failed", "suppressed", "unknown"), 0)

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable."""
        self._conn = await AsyncConnection.open(self.dsn, application=APPLICATION, options=KEY_LOOKUPS)
        for name in ("prepare_step", "prepare_again"):
            await self._conn.fetch(statements("attempts")[name])

    async def requeued(self, give_up_after: float) -> tuple[list[Marked], frozenset[int]]:
        """The messages that earlier tries left to be tried again. They are not marked: see `mark_again`.

        Also the numbers of those that a server first put off more than `give_up_after` seconds ago.
        """
        span = {"first_seq": self.attempt.first_seq, "last_seq": self.attempt.last_seq}
        rows = await self._rows("requeued_of_chunk", **span, give_up_after=give_up_after)
        return [Marked(*row[:-1]) for row in rows], frozenset(row[0] for row in rows if row[-1])

    async def note_deferred(self, seqs: list[int]) -> None:
        """Remember when the server first put these off. Safe to repeat. Raises DatabaseUnavailable."""
        await self._rows("note_deferred", seqs=seqs)

    async def suppress(self, bounced: dict[int, str]) -> None:
        """Put the addresses of messages on the suppression list, with the server's words. Safe to repeat.

        Raises DatabaseUnavailable.
        """
        if bounced:
            words = {"seqs": list(bounced), "words": list(bounced.values())}
            await self._rows("suppress_bounced", **words, task_id=self.attempt.task_id)

    async def step(self, outcomes: list[Written], *, limit: int) -> Step:
        """Write the outcomes and mark up to `limit` more messages: both are committed on return, or neither is.

        Raises AttemptSuperseded when the chunk is no longer ours, DatabaseUnavailable when the server is away: then
        `recover_step` tells whether it happened.
        """
        rows = await self._conn.fetch(_STEP, self._step_values(outcomes, limit))
        if not rows:
            raise AttemptSuperseded("chunk_taken_over", chunk=self.attempt.chunk_id)
        through, written, sent, failed, suppressed, unknown, stop_reason, batch = rows[0]
        marked = [Marked(*row) for row in json.loads(batch)] if batch else []
        self._confirm(through, sent=sent, failed=failed, suppressed=suppressed, unknown=unknown)
        if written != len(outcomes) + suppressed:
            raise AttemptSuperseded("outcome_of_another_attempt", chunk=self.attempt.chunk_id)
        return Step(marked=marked, exhausted=through >= self.attempt.last_seq, stop_reason=stop_reason)

    def _step_values(self, outcomes: list[Written], limit: int) -> tuple[Any, ...]:
        attempt = self.attempt
        keys = (attempt.chunk_id, attempt.id, attempt.occurrence_id, self.through + 1, attempt.last_seq, limit)
        seqs, states, codes, texts, tried = zip(*outcomes, strict=True) if outcomes else ((),) * 5
        # Arrays as PostgreSQL writes them: the driver's way costs as much as the statement.
        numbers = _array(codes).replace("None", "NULL")
        edition = attempt.edition
        return (*keys, _array(seqs), _array(states), numbers, _text_array(texts), _array(tried), self._steps, edition)

    def _confirm(self, through: int, **counts: int) -> None:
        self._steps += 1
        self.through = through
        for state, count in counts.items():
            self.counts[state] += count

    async def mark_again(self, messages: list[Marked]) -> list[Marked]:
        """Mark messages that are to be tried again; returns those that may be sent (none while the task is stopped).

        The others have been suppressed, or stay as they are. Raises as `step` does.
        """
        attempt = self.attempt
        keys = (attempt.chunk_id, attempt.id, attempt.occurrence_id)
        seqs_given = _array(message.seq for message in messages)
        rows = await self._conn.fetch(_AGAIN, (*keys, seqs_given, self._steps, attempt.edition))
        if not rows:
            return []  # stopped or superseded: the next step says which
        suppressed, seqs = rows[0]
        self._confirm(self.through, suppressed=suppressed)
        return _chosen(messages, seqs)

    async def heartbeat(self) -> tuple[int, float]:
        """Say that this attempt lives; returns how many do now, this one included, and the seconds left of the day."""
        senders, left = (await self._rows("heartbeat", id=self.attempt.id, chunk_id=self.attempt.chunk_id))[0]
        return int(senders), float(left)

    @property
    def places(self) -> int:
        """Messages that may still be sent of what is reserved, those that are under way among them."""
        return self.attempt.places - self.given_up - self.counts["sent"] - self.counts["unknown"]

    async def charge_doubt(self, count: int) -> None:
        """Charge the day for tries that will be made again though the server may have taken them.

        Before their outcome is written: a crash in between charges one of them twice and none never. Raises
        DatabaseUnavailable.
        """
        of_day = {"quota_day_id": self.attempt.quota_day_id, "chunk_id": self.attempt.chunk_id}
        rows = await self._rows("charge_doubt", **of_day, count=count)
        self.given_up += int(rows[0][0]) if rows else 0

    async def recover_step(self, outcomes: list[Written]) -> Step | None:
        """After a lost connection: connect anew; the step that was under way if it did happen, else None.

        Raises AttemptSuperseded when another attempt has the chunk, DatabaseUnavailable.
        """
        await self._reconnect()
        if not self._happened:
            self._happened = None
            return None
        through = int((await self._rows("mark_of_chunk", id=self.attempt.chunk_id))[0][0])
        rows = await self._rows("marked_between", first_seq=self.through + 1, last_seq=through)
        states = [entry.state.value for entry in outcomes]
        self._happened, self.through = None, through
        for state in self.counts:
            self.counts[state] += states.count(state)
        return Step(marked=[Marked(*row) for row in rows], exhausted=through >= self.attempt.last_seq)

    async def recover_again(self, messages: list[Marked]) -> list[Marked] | None:
        """The same for `mark_again`."""
        await self._reconnect()
        rows = await self._rows("sending_of", seqs=[message.seq for message in messages]) if self._happened else []
        happened, self._happened = self._happened, None
        if not happened:
            return None
        return _chosen(messages, [row[0] for row in rows])

    async def _reconnect(self) -> None:
        """New connections, the chunk still ours, and what was under way on the old ones decided."""
        self.close()
        steps = await asyncio.get_running_loop().run_in_executor(None, self._renew_control)
        if self._happened is None:
            # Fences whose own answer was lost are in it too.
            self._happened = (steps - self._steps) % FENCE == 1
        self._steps = steps + FENCE
        await self.open()

    def _renew_control(self) -> int:
        self.control.close()
        self.control = connect(self.dsn, application=APPLICATION, options=KEY_LOOKUPS)
        self._sessions.append(self.control.info.backend_pid)
        with transaction(self.control):
            steps = check_still_mine(self.control, self.attempt, steps=self._steps, old_sessions=self._sessions)
        self._sessions = [self.control.info.backend_pid]
        return steps

    def close(self) -> None:
        """Close the connection of the steps; `control` stays."""
        self._conn.close()

    async def _rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        values["occurrence_id"] = self.attempt.occurrence_id
        return await self._conn.fetch(statements("attempts")[name], values)


def _array(values: Iterable[object]) -> str:
    """An array's literal; for values without quotes, commas and braces."""
    return "{" + ",".join(map(str, values)) + "}"


def _text_array(texts: Sequence[str]) -> str | list[str]:
    """The same for texts: a literal where none of them needs more than quotes, else for the driver to quote."""
    quoted = '","'.join(texts)
    if "\\" in quoted or quoted.count('"') != 2 * max(0, len(texts) - 1):
        return list(texts)
    return f'{{"{quoted}"}}' if texts else "{}"


def _chosen(messages: list[Marked], seqs: list[int]) -> list[Marked]:
    chosen = set(seqs)
    return [message for message in messages if message.seq in chosen]
