"""Test sends, at most 20 addresses each.

A test send leaves at once. It is in the ledger like all mail, and it is never cached for a later quota day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ses_ops.domain.address import answerable, parse_address, parse_sender
from ses_ops.domain.mail_tracking import Tracking, parse_tracking
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.occurrence import ONCE, Run, RunKind
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.send_task import Advertisement
from ses_ops.domain.template_variables import recipient_values
from ses_ops.domain.unsubscribe_address import unsubscribe_address
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import Explanation, InvalidInput, QuotaExhausted, TemplateError
from ses_ops.rendering.template import load_template
from ses_ops.sending.home import check_home
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.sending.send import ChunkReport, send_chunk
from ses_ops.sending.settle import settle
from ses_ops.sending.template_place import template_place
from ses_ops.sending.unsubscribe_page import page_address
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.ledger import occurrences
from ses_ops.storage.suppression.hashed_suppression import suppress_erased
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.stored_task import TaskColumns
from ses_ops.storage.tasks.test_sends import NAME_PREFIX

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.address import Address
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.transports.smtp.settings import SmtpSettings

T = TypeVar("T")

#: Most addresses of one test send (domain.md).
MOST_RECIPIENTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSend:
    """The content of a test send. `values` are the template's variables, the same for every recipient."""

    __test__ = False  # not a test class, whatever its name

    template: str
    sender: str
    recipients: Sequence[str]
    values: Mapping[str, str]
    subject: str | None = None
    reply_to: str | None = None
    #: Subject with variables, as a send task has it.
    unsubscribe_url: str | None = None
    #: A value of `UnsubscribeLanguage`: the link is the recipient's own, and works.
    unsubscribe: str = UnsubscribeLanguage.NONE.value
    advertisement: str = Advertisement.NONE.value
    #: What is tracked, as `parse_tracking` reads it; None: as the sender domain says.
    track: str | None = None


def test_send(
    dsn: str,
    order: TestSend,
    *,
    run_id: str,
    plans: QuotaPlans,
    smtp: SmtpSettings,
    templates_root: Path,
    stop: threading.Event,
) -> ChunkReport:
    """Send one message to each address now. Repeated with the same `run_id` it sends nothing twice.

    Raises InvalidInput (addresses, sender), TemplateError (variables), QuotaError, QuotaExhausted (nothing was sent
    then), TransportUnavailable, LedgerRestored.
    """
    name = NAME_PREFIX + run_id
    with connected(dsn) as conn:
        check_home(conn)
        run = Run(task_name=name, run_id=run_id, kind=RunKind.TRIGGERED)
        _write(conn, order, name, run_id, templates_root)
        reservation = reserve_chunks(conn, run, plans=plans)
        if reservation.cached:
            _give_up(conn, run, name)
            if reservation.blocked is not None:
                raise QuotaExhausted("test_send_while_blocked", why=reservation.blocked)
            raise QuotaExhausted(
                "test_send_without_quota", domain=parse_sender(order.sender).domain, count=len(order.recipients)
            )
        total = ChunkReport(ending="finished")
        for chunk_id in reservation.chunk_ids:
            total = send_chunk(dsn, chunk_id, run_id, smtp=smtp, templates_root=templates_root, stop=stop)
        settle(conn, run)
        return total


test_send.__test__ = False  # type: ignore[attr-defined]


def order_test_send(
    actor: Actor, order: TestSend, *, run_id: str, start: Callable[[], T], of_task: str | None = None
) -> T:
    """Have `start` make a test send, in a run of Airflow or in this process. Raises what `start` raises.

    `of_task`: the send task whose mail is tested.
    """
    facts: dict[str, Any] = {
        "template": order.template,
        "sender": order.sender,
        "recipients": list(order.recipients),
        "run": run_id,
    }
    with actor.recorded("test_send", **facts, **({"of_task": of_task} if of_task else {})):
        return start()


def _write(conn: Connection, order: TestSend, name: str, run_id: str, templates_root: Path) -> None:
    if not 1 <= len(order.recipients) <= MOST_RECIPIENTS:
        raise InvalidInput(
            "test_send_recipients", most=MOST_RECIPIENTS, count=len(order.recipients), field="recipients"
        )
    sender = parse_sender(order.sender)
    addresses = list({(parsed := parse_address(text)).key: parsed for text in order.recipients}.values())
    template = load_template(template_place(conn, templates_root, order.template), order.template)
    values = recipient_values(order.values)
    link = _checked_link(order)
    tracking = parse_tracking(order.track) if order.track else Tracking()
    used = template.variables_for(subject=order.subject, unsubscribe_url=link)
    missing = sorted(used - set(values))
    if missing:
        raise TemplateError("values_missing", names=missing, template=order.template)
    with transaction(conn):
        if send_tasks.lock_row_if_any(conn, name) is not None:
            return
        task_id = send_tasks.insert(
            conn,
            TaskColumns(
                name=name,
                type=TaskType.TEST.value,
                template=order.template,
                subject=order.subject,
                sender=order.sender,
                sender_domain=sender.domain,
                group_id=None,
                start_at=datetime.now(UTC),
                time_zone="UTC",
                every=None,
                cron=None,
                until=None,
                reply_to=order.reply_to and answerable(parse_address(order.reply_to).address),
                unsubscribe_url=link,
                unsubscribe=_checked_language(order, link).value,
                advertisement=Advertisement(order.advertisement).value,
                track_opens=tracking.opens,
                track_clicks=tracking.clicks,
                start_grace=timedelta(hours=1),
                on_unknown=OnUnknown.HOLD.value,
                roles=[],
            ),
        )
        _write_messages(conn, task_id, run_id, sender.domain, addresses=addresses, values=values)


def _write_messages(
    conn: Connection,
    task_id: int,
    run_id: str,
    sender_domain: str,
    *,
    addresses: Sequence[Address],
    values: Mapping[str, str],
) -> None:
    occurrences.begin(conn, task_id=task_id, key=ONCE, run_id=run_id, logical_at=None)
    (occurrence,) = occurrences.lock_unfrozen(conn, task_id=task_id, key=ONCE, with_held=False)
    occurrences.write_test_messages(
        conn, occurrence_id=occurrence.id, sender_domain=sender_domain, addresses=addresses, values=values
    )
    suppress_erased(conn, occurrence.id, sender_domain=sender_domain)
    occurrences.mark_frozen(conn, occurrence_id=occurrence.id, sender_domain=sender_domain)


def _checked_link(order: TestSend) -> str | None:
    return order.unsubscribe_url and unsubscribe_address(order.unsubscribe_url)


def _checked_language(order: TestSend, link: str | None) -> UnsubscribeLanguage:
    language = UnsubscribeLanguage(order.unsubscribe)
    if language is not UnsubscribeLanguage.NONE and link:
        raise InvalidInput("unsubscribe_or_address", field="unsubscribe")
    if language is not UnsubscribeLanguage.NONE:
        page_address()  # before the first row is written
    return language


def _give_up(conn: Connection, run: Run, name: str) -> None:
    """Return the reserved quota and cancel the test send, which is sent to all addresses or to none."""
    with transaction(conn):
        send_tasks.cancel(conn, name, reason=Explanation("test_send_without_room").sentence)
    settle(conn, run)
