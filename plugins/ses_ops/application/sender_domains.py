"""Use cases of a sender domain: its bounce domain, and what is tracked of its mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.application.changed import Changed
from ses_ops.domain.address import MAX_ADDRESS
from ses_ops.domain.bounce_domain import parse_bounce_domain, proposed_bounce_domain
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.errors import InvalidInput
from ses_ops.storage.connection import transaction
from ses_ops.storage.quota import sender_domains

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

#: Action names in the audit log.
ACTION, TRACKING_ACTION = "change_bounce_domain", "change_tracking"


@dataclass(frozen=True, kw_only=True, slots=True)
class BounceDomainChanged(Changed):
    """The result of a change of the bounce domain."""

    #: The bounce domain as it is stored.
    bounce_domain: str | None
    #: The one before.
    before: str | None


def set_bounce_domain(
    conn: Connection, actor: Actor, domain: str, bounce_domain: str, *, even_sender_domain: bool = False
) -> BounceDomainChanged:
    """Have the bounces of a sender domain sent to `bounce_domain`, from the next chunk on.

    `domain` is a key of a sender domain, which need not have sent anything yet. A bounce domain that is a sender domain
    too is refused without `even_sender_domain`, because the bounce listener would refuse all other mail to it. Raises
    InvalidInput.
    """
    with actor.recorded(ACTION, domain=domain, bounce_domain=bounce_domain[:MAX_ADDRESS]) as recorded:
        wanted = recorded["bounce_domain"] = parse_bounce_domain(bounce_domain)
        if not even_sender_domain and wanted in {domain, *sender_domains.domains(conn)}:
            raise InvalidInput("bounce_domain_sends", name=wanted, proposed=proposed_bounce_domain(domain))
        done = _write(conn, domain, wanted)
        recorded["before"] = done.before
    return done


def clear_bounce_domain(conn: Connection, actor: Actor, domain: str) -> BounceDomainChanged:
    """Have the bounces of a sender domain sent to the senders' own addresses, from the next chunk on."""
    with actor.recorded(ACTION, domain=domain, bounce_domain=None) as recorded:
        done = _write(conn, domain, None)
        recorded["before"] = done.before
    return done


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingChanged(Changed):
    """The result of a change of what is tracked."""

    #: As it is stored now, and before.
    tracking: Tracking
    before: Tracking


def set_tracking(conn: Connection, actor: Actor, domain: str, chosen: Tracking) -> TrackingChanged:
    """Set what is noticed of a domain's mail where a task says nothing, from the next chunk on.

    None leaves opens, or clicks, as they are. Raises InvalidInput where recipients could not reach this installation.
    """
    with actor.recorded(TRACKING_ACTION, domain=domain, **chosen._asdict()) as recorded:
        if any(chosen) and settings.public_url() is None:
            raise InvalidInput("tracking_without_public_url", field="track", domain=domain)
        with transaction(conn):
            sender_domains.lock_domain(conn, domain)
            before = sender_domains.tracking(conn, domain)
            sender_domains.set_tracking(conn, domain, chosen)
        recorded["before"] = before._asdict()
    after = chosen.or_else(before)
    return TrackingChanged(changed=after != before, tracking=after, before=before)


def _write(conn: Connection, domain: str, bounce_domain: str | None) -> BounceDomainChanged:
    with transaction(conn):
        sender_domains.lock_domain(conn, domain)
        before = sender_domains.bounce_domain(conn, domain)
        sender_domains.set_bounce_domain(conn, domain, bounce_domain)
    return BounceDomainChanged(changed=before != bounce_domain, bounce_domain=bounce_domain, before=before)
