"""What is posted of an event to one endpoint, and what an answer means for it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.domain.callback import TEST, CallbackFormat, CallbackKind, retry_after
from ses_ops.domain.callback_body import NOT_IN_TENCENT, CallbackFacts, callback_body, test_facts
from ses_ops.domain.callback_signature import signed_headers
from ses_ops.domain.delivery_failure import Stage, classify
from ses_ops.storage.callbacks.event_facts import event_facts
from ses_ops.storage.callbacks.waiting_posts import Ended, Failed
from ses_ops.storage.events.recording import installation_id
from ses_ops.storage.suppression.hashed_suppression import ERASED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.callbacks.endpoints import ActiveEndpoint
    from ses_ops.storage.callbacks.event_facts import StoredFacts
    from ses_ops.storage.callbacks.waiting_posts import Taken
    from ses_ops.web.guarded_post import Answer

#: HTTP statuses by which an endpoint says that it wants no more posts: Forbidden, Gone (RFC 9110 15.5.4, 15.5.11).
UNWANTED = (403, 410)
_VERDICTS = {0: "unknown", 1: "person", 2: "machine"}


class _End(StrEnum):
    """How an event ends at an endpoint."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A post that is ready to leave."""

    taken: Taken
    body: bytes

    def headers(self, endpoint: ActiveEndpoint) -> dict[str, str]:
        """The headers of a try, signed at its moment; the reference's form has none."""
        if endpoint.format == CallbackFormat.TENCENT:
            return {}
        return signed_headers(self.taken.event_key, int(time.time()), self.body, endpoint.valid_secrets)


def make_posts(conn: Connection, endpoint: ActiveEndpoint, taken: Sequence[Taken]) -> tuple[list[Post], list[Ended]]:
    """The posts of events, in their order, and the ends of those that have none.

    An event has no post when its message, its person or the event itself is not in the ledger any more, and when the
    format of the endpoint has no word for it.
    """
    stored = event_facts(conn, [one for one in taken if one.kind != TEST])
    made_as = CallbackFormat(endpoint.format)
    posts, ended = [], []
    for one in taken:
        facts = _test(conn, endpoint, one) if one.kind == TEST else _facts(stored.get(one.id))
        if facts is None or (made_as is CallbackFormat.TENCENT and one.kind in NOT_IN_TENCENT):
            ended.append(Ended(one.id, one.lease, _End.GONE.value, None, "", 0))
        else:
            posts.append(Post(taken=one, body=callback_body(facts, made_as, event_key=one.event_key)))
    return posts, ended


def outcome_of(taken: Taken, answer: Answer) -> Ended | Failed:
    """What an answer means for the event."""
    if answer.taken:
        return Ended(taken.id, taken.lease, _End.DELIVERED.value, answer.status, answer.text, answer.took_ms)
    if answer.status in UNWANTED:  # the endpoint is stopped, and the event waits for a person
        return Failed(taken.id, taken.lease, 0, 1, answer.status, answer.text)
    after = None if taken.kind == TEST else retry_after(taken.tries + 1, random.random())  # noqa: S311 - no secret
    if after is None:
        return Ended(taken.id, taken.lease, _End.FAILED.value, answer.status, answer.text, answer.took_ms)
    return Failed(taken.id, taken.lease, max(after, answer.retry_after or 0), 1, answer.status, answer.text)


def _test(conn: Connection, endpoint: ActiveEndpoint, one: Taken) -> CallbackFacts:
    return test_facts(at=one.occurred_at, installation=installation_id(conn), endpoint=endpoint.name)


def _facts(row: StoredFacts | None) -> CallbackFacts | None:
    if row is None or not row.known or row.address_key.startswith(ERASED):
        return None
    words, code, reason, status, hard = row.diagnostic or "", None, row.reason, row.status, bool(row.hard)
    if row.kind == CallbackKind.REFUSED:
        words, code = row.smtp_text or "", row.smtp_code
        failure = classify(code, words, Stage.RECIPIENT) if code and code >= 400 else None
        if failure is not None:
            reason, status, hard = failure.reason.value, failure.status or None, failure.hard
    return CallbackFacts(
        kind=row.kind,
        occurred_at=row.occurred_at,
        occurrence_id=row.occurrence_id,
        seq=row.seq,
        address=row.address,
        sent_at=row.sent_at,
        task_id=row.task_id,
        task=row.task,
        task_type=row.task_type,
        start=row.start,
        template=row.template,
        sender=row.sender,
        sender_domain=row.sender_domain,
        subject=row.subject,
        installation=row.installation,
        single_id=row.single_id,
        reference_id=row.reference_id,
        reference=row.reference,
        tags=tuple(row.tags),
        hard=hard,
        words=words,
        code=code,
        status=status,
        reason=reason,
        source=row.source or row.engagement_source or "",
        user_agent=row.user_agent or "",
        link=row.link or "",
        verdict=_VERDICTS.get(row.verdict if row.verdict is not None else -1, ""),
    )
