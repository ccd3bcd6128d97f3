"""Weeks of mail and of late, doubled and shuffled events on a real database: what was decided live is found again."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from psycopg2.extensions import connection as Connection

from ses_ops.application.judge_reputation import judge_domain
from ses_ops.application.record_events import record_events
from ses_ops.application.replay_reputation import replay_reputation
from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.warmup import ReputationPlan
from ses_ops.events.tokens import address_check
from ses_ops.sending.chunk.ending import end_attempt
from ses_ops.storage.connection import connect, connected, transaction
from tests.integration.reputation_world import DAY, TODAY, ReputationWorld, plan_of, plans_of

#: The columns that have a time, by table.
MOMENTS = {
    "quota_day": ("starts_at", "ends_at"),
    "send_count": ("sent_day", "ended_at", "assumed_at"),
    "message_feedback": ("sent_day",),
    "feedback_count": ("sent_day",),
    "message_event": ("received_at",),
    "reputation": ("next_day", "blocked_until", "judged_at", "judged_day"),
    "reputation_decision": ("decided_at", "quota_day", "of_day", "effective_at"),
}
WINDOW_FROM = """
UPDATE reputation_decision SET figures = jsonb_set(
    figures, '{window_from}', to_jsonb((figures ->> 'window_from')::timestamptz - interval '1 day'))
WHERE figures ? 'window_from'
"""
QUOTA_DAY = """
INSERT INTO quota_day (sender_domain, starts_at, ends_at, number, allotment) VALUES (%s, %s, %s, 1, 1000000)
ON CONFLICT DO NOTHING
"""
ATTEMPT = """
WITH o AS (
    INSERT INTO occurrence (task_id, key, run_id, frozen_at) VALUES (%s, %s, 'r', now()) RETURNING id
), c AS (
    INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent, failed,
                       sending_through, quota_day_id)
    SELECT o.id, %s, %s, 1, %s, 'settled', 0, %s, %s, %s, q.id
    FROM o, quota_day q WHERE q.sender_domain = %s AND q.starts_at = %s RETURNING *
)
INSERT INTO attempt (chunk_id, run_id, host, pid, sent_before, failed_before, quota_day_id)
SELECT c.id, 'r', 'h', 1, 0, 0, c.quota_day_id FROM c RETURNING (SELECT id FROM o), id
"""
MESSAGES = """
INSERT INTO message (occurrence_id, seq, state, tries, attempt_id, changed_at, address, address_key, values, smtp_code,
                     smtp_text)
SELECT %s, n, CASE WHEN c IS NULL THEN 'sent' ELSE 'failed' END::message_state, 1, %s, now(), n || '@gmail.com',
       n || '@gmail.com', '{}', c, t
FROM unnest(%s::int[], %s::text[]) WITH ORDINALITY AS m (c, t, n)
"""
#: Code and words of servers' refusals.
REFUSALS = (
    (550, "5.1.1 no such user"),
    (550, "5.7.1 refused as spam"),
    (552, "5.2.2 mailbox full"),
    (550, "5.7.26 DKIM failed"),
)
OUTCOMES = (
    (EventKind.BOUNCED, True, Reason.NO_SUCH_ADDRESS),
    (EventKind.BOUNCED, False, Reason.BLOCKED),
    (EventKind.BOUNCED, False, Reason.SERVER_TROUBLE),
    (EventKind.BOUNCED, False, None),
    (EventKind.COMPLAINED, False, None),
    (EventKind.DEFERRED, False, None),
    (EventKind.DROPPED, False, None),
)


class Mail:
    """A domain whose mailings are rows of the ledger, counted by the code that counts those of the engine."""

    def __init__(self, conn, domain: str, level: int) -> None:
        self.world = ReputationWorld(conn=conn, domain=domain)
        self.conn = conn
        self.domain = domain
        self.plan = plan_of(domain, ReputationPlan(start_level=level))
        self.task = self.world.task()
        self.sent = 0

    def send(self, messages: list[tuple[int, str] | None]) -> int:
        """Messages that were accepted (None) or refused; returns the occurrence."""
        self.sent += 1
        execute = self.world.execute
        execute(QUOTA_DAY, self.domain, TODAY, TODAY + DAY)
        ((occurrence, attempt),) = execute(
            ATTEMPT,
            *(self.task, str(self.sent), self.task, self.domain, len(messages)),
            *(messages.count(None), len(messages) - messages.count(None), len(messages), self.domain, TODAY),
        )
        codes, texts = [one and one[0] for one in messages], [one and one[1] for one in messages]
        execute(MESSAGES, occurrence, attempt, codes, texts)
        with transaction(self.conn):
            end_attempt(self.conn, attempt_id=attempt, ending="finished")
        return occurrence

    def judge(self) -> None:
        judge_domain(self.conn, self.plan)

    @property
    def decided(self) -> list[tuple]:
        return self.world.execute(
            "SELECT kind, level_before, level_after, quota_day, of_day, effective_at, figures FROM reputation_decision"
            " WHERE sender_domain = %s ORDER BY id",
            self.domain,
        )


def night(world: ReputationWorld) -> None:
    """Let the next day begin: everything that has a time becomes a day older."""
    for table, columns in MOMENTS.items():
        # By a detour, since the rows of two days would meet.
        for days in (-100_000, 99_999):
            moved = ", ".join(f"{one} = {one} + interval '{days} days'" for one in columns)
            world.execute(f"UPDATE {table} SET {moved}")
    world.execute(WINDOW_FROM)


def event(occurrence: int, seq: int, outcome: tuple, source_id: str) -> MessageEvent:
    kind, hard, reason = outcome
    return MessageEvent(
        kind=kind,
        source="custom",
        source_id=source_id,
        occurred_at=TODAY + timedelta(seconds=1),
        message=MessageKey(occurrence_id=occurrence, seq=seq, address_check=address_check(f"{seq}@gmail.com")),
        hard=hard,
        failure=reason and DeliveryFailure(reason, ""),
    )


@pytest.fixture
def conn(ses_dsn):
    conn = connect(ses_dsn)
    yield conn
    conn.close()


def weeks(conn, *, days: int, seed: int) -> tuple[Mail, Mail]:
    """Two domains with the same mail; the events of the second are shuffled, doubled and in other batches."""
    draw, shuffle = random.Random(seed), random.Random(seed + 1)
    plain, other = Mail(conn, "plain.example", 2), Mail(conn, "other.example", 2)
    late: list[tuple[int, list[tuple[int, int, int, tuple]]]] = []
    for number in range(days):
        if number:
            night(plain.world)
        size = draw.choice((0, 200, 400, 750, 750))
        bad = draw.choice((0.0, 0.0, 0.0, 0.0, 0.2, 0.6))
        if size:
            messages = [draw.choice(REFUSALS) if draw.random() < bad else None for _ in range(size)]
            both = (plain.send(messages), other.send(messages))
            rate = draw.choice((0.0, 0.0, 0.01, 0.12))
            told = [
                (*both, 1 + seq, draw.choice(OUTCOMES))
                for seq, one in enumerate(messages)
                if one is None and draw.random() < rate
            ]
            late.append((number + draw.choice((0, 0, 1, 3)), told))
            late.append((number, [(*both, 1, (EventKind.DELIVERED, False, None))]))
        plain.judge(), other.judge()
        due = [one for at, told in late if at == number for one in told]
        events = [event(one[0], one[2], one[3], f"{n}-{one[0]}-{number}") for n, one in enumerate(due)]
        again = [event(one[1], one[2], one[3], f"{n}-{one[1]}-{number}") for n, one in enumerate(due)]
        again += shuffle.sample(again, len(again) // 2)
        shuffle.shuffle(again)
        record_events(conn, events)
        for first in range(0, len(again), 40):
            record_events(conn, again[first : first + 40])
        plain.judge(), other.judge()
    return plain, other


def test_what_was_decided_live_in_sixty_days_is_found_again_from_attempts_and_events(conn):
    plain, other = weeks(conn, days=60, seed=7)
    assert plain.decided == other.decided
    kinds = [row[0] for row in plain.decided]
    assert min(kinds.count(kind) for kind in ("raise", "lower", "block")) >= 3, kinds
    for mail in (plain, other):
        found = replay_reputation(conn, plans_of(mail.plan), mail.domain)
        assert found is not None
        assert len(found.decisions) == len([kind for kind in kinds if kind != "start"])
        assert [one.differences for one in found.decisions if one.differences] == []
        assert found.agrees
        assert found.due == ()


def test_judges_senders_and_feeds_at_once_wait_in_no_circle_and_every_decision_is_found_again(conn, ses_dsn):
    mail = Mail(conn, "mail.example", 1)
    mail.world.measured()
    mail.judge()
    occurrences = [mail.send([None] * 60)]
    stop = threading.Event()
    problems: list[BaseException] = []

    def until_stopped(act: Callable[[Connection, int], None]) -> threading.Thread:
        def run() -> None:
            try:
                with connected(ses_dsn) as own:
                    for turn in itertools.count():
                        if stop.is_set():
                            return
                        act(own, turn)
            except BaseException as problem:
                problems.append(problem)

        return threading.Thread(target=run)

    def tell(own: Connection, turn: int) -> None:
        outcome = OUTCOMES[0] if turn % 9 == 0 else (EventKind.DELIVERED, False, None)
        seqs = random.sample(range(1, 61), 5)
        record_events(
            own, [event(occurrences[-1], seq, outcome, f"{threading.get_ident()}-{turn}-{seq}") for seq in seqs]
        )

    threads = [until_stopped(tell), until_stopped(tell)]
    threads += [until_stopped(lambda own, _: judge_domain(own, mail.plan)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        occurrences.append(mail.send([None] * 59 + [REFUSALS[0]]))
    stop.set()
    for thread in threads:
        thread.join(60)
    assert problems == []
    mail.judge()
    found = replay_reputation(conn, plans_of(mail.plan), mail.domain)
    assert len(found.decisions) >= 2
    assert [one.differences for one in found.decisions if one.differences] == []
    assert found.agrees
    levels = [(one.decision.level_before, one.decision.level_after) for one in found.decisions]
    assert len(levels) == len(set(levels)), "each level once, whoever judged"


def test_a_replay_sees_what_was_changed_since_and_what_was_never_decided(conn):
    mail = Mail(conn, "mail.example", 1)
    mail.world.measured()
    mail.send([None] * 400)
    mail.judge()
    plans = plans_of(mail.plan)
    assert replay_reputation(conn, plans, mail.domain).agrees
    mail.send([None] * 100)
    assert replay_reputation(conn, plans, mail.domain).agrees, "what was counted later is not seen"
    assert [one.kind for one in replay_reputation(conn, plans, mail.domain).due] == []
    mail.send([None] * 300)
    assert [one.kind for one in replay_reputation(conn, plans, mail.domain).due] == [DecisionKind.RAISE]
    mail.world.execute("UPDATE send_count SET accepted = accepted - 1")
    found = replay_reputation(conn, plans, mail.domain)
    assert not found.agrees
    assert found.decisions[0].differences == {"accepted": (400, 399), "window.accepted": (400, 399)}
    assert found.decisions[0].follows
    mail.world.execute("UPDATE send_count SET accepted = 300 WHERE accepted = 399")
    assert not replay_reputation(conn, plans, mail.domain).decisions[0].follows


def test_what_a_person_counted_as_sent_afterwards_is_not_seen(conn):
    mail = Mail(conn, "mail.example", 1)
    mail.world.measured()
    mail.send([None] * 400)
    mail.judge()
    mail.world.execute("UPDATE send_count SET accepted = accepted + 5, assumed = 5, assumed_at = clock_timestamp()")
    assert replay_reputation(conn, plans_of(mail.plan), mail.domain).agrees


def test_a_domain_without_a_reputation_has_no_replay(conn):
    plan = replace(plan_of("mail.example"), reputation=None)
    assert replay_reputation(conn, plans_of(plan), "mail.example") is None
