"""Use cases of callback endpoints: add, rotate, pause, resume, remove, test, replay.

An entry of the audit log has the name of an endpoint and its host, never the rest of its address or a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from ses_ops.application.changed import Changed, Counted
from ses_ops.domain.address import domain_key
from ses_ops.domain.callback import (
    FORMER_SECRET_HOURS,
    CallbackFormat,
    parse_kinds,
    parse_name,
    parse_url,
    shown_url,
)
from ses_ops.domain.callback_signature import new_secret, secret_text
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.callbacks import deliveries, endpoints, waiting_posts
from ses_ops.storage.connection import KeyTaken, transaction
from ses_ops.web.guarded_post import NoAnswer, target_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.callback_target import Network
    from ses_ops.storage.callbacks.endpoints import Endpoint

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretMade(Changed):
    """A new secret, as text for the receiver: shown once, and nowhere again. None: the format has no signature."""

    name: str
    secret: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSent(Changed):
    """A test event, which a deliverer posts within seconds."""

    endpoint_id: int
    #: The id of the post.
    event_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEndpoint:
    """An endpoint as a person enters it."""

    name: str
    url: str
    made_as: CallbackFormat = CallbackFormat.NATIVE
    #: None or "": events of all sender domains.
    sender_domain: str | None = None
    #: Empty: all kinds.
    kinds: Sequence[str] = ()
    concurrency: int = 16
    per_second: int = 1_000


def shown_endpoints(conn: Connection, *, name: str | None = None) -> list[Endpoint]:
    """The endpoints, or the one of a name, with the form of their addresses that may be shown. Raises NotFound."""
    found = endpoints.endpoints(conn, name=name)
    if name is not None and not found:
        raise _not_found(name)
    return [replace(one, url=shown_url(one.url)) for one in found]


def add(conn: Connection, actor: Actor, new: NewEndpoint, *, allowed: Iterable[Network]) -> SecretMade:
    """Have events posted to an address, from now on. Raises InvalidInput, Conflict.

    The address is looked up now and at each connection; one in a private network is refused unless `allowed` has it.
    """
    name, url, kinds = parse_name(new.name), parse_url(new.url), parse_kinds(new.kinds)
    domain = domain_key(new.sender_domain) if new.sender_domain else None
    recorded = {"endpoint": name, "host": str(urlsplit(url).hostname)[:253], "format": new.made_as.value}
    with actor.recorded("add_callback_endpoint", **recorded, domain=domain):
        _check_target(url, list(allowed))
        secret = new_secret()
        values = {"name": name, "url": url, "sender_domain": domain, "made_as": new.made_as.value, "kinds": kinds}
        try:
            with transaction(conn):
                endpoints.insert(
                    conn,
                    **values,  # type: ignore[arg-type]
                    concurrency=new.concurrency,
                    per_second=new.per_second,
                    secret=secret,
                    created_by=actor.name,
                )
        except KeyTaken:
            raise Conflict("callback_endpoint_name_taken", name=name) from None
    return SecretMade(name=name, secret=secret_text(secret) if new.made_as is CallbackFormat.NATIVE else None)


def rotate(conn: Connection, actor: Actor, name: str) -> SecretMade:
    """Sign with a new secret, and for 24 hours with the present one too. Raises NotFound, Conflict."""
    _check_there(conn, name)
    with actor.recorded("rotate_callback_secret", endpoint=name), transaction(conn):
        number = _lock(conn, name)
        if endpoints.endpoints(conn, name=name)[0].format == CallbackFormat.TENCENT:
            raise Conflict("callback_not_signed")
        secret = new_secret()
        endpoints.rotate(conn, number, secret=secret, hours=FORMER_SECRET_HOURS)
    return SecretMade(name=name, secret=secret_text(secret))


def pause(conn: Connection, actor: Actor, name: str) -> Changed:
    """Post nothing more to an endpoint; events wait for it. Raises NotFound."""
    _check_there(conn, name)
    with actor.recorded("pause_callback_endpoint", endpoint=name), transaction(conn):
        changed = endpoints.pause(conn, _lock(conn, name))
    return Changed(changed=changed)


def resume(conn: Connection, actor: Actor, name: str) -> Changed:
    """Post to an endpoint again that was paused, or that the deliverer had stopped. Raises NotFound."""
    _check_there(conn, name)
    with actor.recorded("resume_callback_endpoint", endpoint=name), transaction(conn):
        changed = endpoints.resume(conn, _lock(conn, name))
    return Changed(changed=changed)


def remove(conn: Connection, actor: Actor, name: str) -> Changed:
    """Remove an endpoint with its waiting events. Raises NotFound."""
    _check_there(conn, name)
    with actor.recorded("remove_callback_endpoint", endpoint=name), transaction(conn):
        number = _lock(conn, name)
        endpoints.remove(conn, number, shown=shown_url(endpoints.url_of(conn, number)))
    return Changed()


def send_test(conn: Connection, actor: Actor, name: str) -> TestSent:
    """Have a deliverer post a test event. Raises NotFound."""
    _check_there(conn, name)
    with actor.recorded("test_callback_endpoint", endpoint=name), transaction(conn):
        number = _lock(conn, name)
        key = waiting_posts.enqueue_test(conn, endpoint_id=number)
    return TestSent(endpoint_id=number, event_key=key)


def replay(
    conn: Connection,
    actor: Actor,
    name: str,
    *,
    event_key: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    not_delivered: bool = False,
    also_never_posted: bool = False,
) -> Counted:
    """Post events again, with the ids that they had. Raises NotFound, InvalidInput.

    One event, or those that happened from `since` to before `until`; `not_delivered`: only those that it never took;
    `also_never_posted`: in that span also those that the endpoint never had, such as from before it was added. Events
    that wait already are left.
    """
    _check_there(conn, name)
    with (
        actor.recorded("replay_callbacks", endpoint=name, event=event_key and event_key[:63]) as facts,
        transaction(conn),
    ):
        facts |= {"since": since and since.isoformat(), "until": until and until.isoformat()}
        number = _lock(conn, name)
        if event_key is None and since is None:
            raise InvalidInput("callback_span_not_usable", field="since")
        key = None if event_key is None else _event(event_key)
        begin, end = since or _FIRST, until or _LAST
        if begin >= end:
            raise InvalidInput("callback_span_not_usable", field="since")
        span = {"since": begin, "until": end}
        count = deliveries.replay(conn, endpoint_id=number, event_key=key, not_delivered=not_delivered, **span)
        if also_never_posted and key is None:
            count += deliveries.replay_events(conn, endpoint_id=number, **span)
        facts["count"] = count
    return Counted(changed=count > 0, count=count)


def _check_there(conn: Connection, name: str) -> None:
    """Refuse what names no endpoint, before anything is written to the audit log."""
    with transaction(conn):
        if not endpoints.endpoints(conn, name=name):
            raise _not_found(name)


def _check_target(url: str, allowed: list[Network]) -> None:
    parts = urlsplit(url)
    host = str(parts.hostname)
    problem = target_problem(host, parts.port or 443, allowed)
    if problem is NoAnswer.NO_SUCH_HOST:
        raise InvalidInput("callback_target_not_found", host=host, field="url")
    if problem is not None:
        raise InvalidInput("callback_target_refused", host=host, field="url")


def _event(given: str) -> str:
    try:
        return str(UUID(given.strip()))
    except ValueError:
        raise InvalidInput("not_a_callback_event", given=given[:100], field="event") from None


def _lock(conn: Connection, name: str) -> int:
    found = endpoints.lock(conn, name)
    if found is None:
        raise _not_found(name)
    return found


def _not_found(name: str) -> NotFound:
    return NotFound("callback endpoint", name, code="callback_endpoint_not_found")
