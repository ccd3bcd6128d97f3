"""The preparation of single messages: with what of the installation and of the sender domain a mail is made."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ses_ops import settings
from ses_ops.domain.single_message import read_stored
from ses_ops.errors import InvalidInput
from ses_ops.rendering.message import ProviderHeader
from ses_ops.sending.single.prepared_mail import PreparedMail, Templates, prepare
from ses_ops.sending.task_renderer import RendererExtras
from ses_ops.storage.connection import connect, transaction
from ses_ops.storage.events import tracked_links
from ses_ops.storage.events.recording import installation_id
from ses_ops.storage.events.token_secrets import token_secrets
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.single_messages import open_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_tracking import Tracking
    from ses_ops.domain.single_message import SingleMessage
    from ses_ops.transports.smtp.settings import SmtpSettings

#: Seconds after which the facts of the installation are read again.
FACTS_KEPT = 5.0
#: Characters of a message up to which it is made in the event loop: some 100 microseconds.
_SMALL = 20_000
#: Largest number of sets of links that are remembered as stored.
_MOST_LINKS = 10_000


class LoadedTemplates(Templates, Protocol):
    """Templates of which some have to be read from the database first: application/template_source.py."""

    def needs(self, name: str, version: int | None = None) -> bool:
        """Whether `load` has to be called before `find`."""

    def load(self, conn: Connection, name: str, version: int | None = None) -> None:
        """Read a template. Raises TemplateError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """What is read from the database."""

    installation_id: str
    token_secret: bytes
    bounce_domains: Mapping[str, str]
    trackings: Mapping[str, Tracking]
    read_at: float


class MailPreparation:
    """Prepares the mail of single messages in a long-lived process. Threads may share it."""

    def __init__(self, dsn: str, *, templates: LoadedTemplates, smtp: Callable[[], SmtpSettings]) -> None:
        self._dsn = dsn
        self._templates = templates
        self._smtp = smtp
        self._lock = threading.Lock()
        self._conn: Connection | None = None
        self._facts: _Facts | None = None
        self._kept_links: set[tuple[str, tuple[str, ...]]] = set()
        public_url = settings.public_url()
        self._public_url = public_url
        self._page = None if public_url is None else f"{public_url}/u/"
        self._extras: dict[str, tuple[_Facts, SmtpSettings, RendererExtras]] = {}

    async def prepare(self, message: SingleMessage) -> PreparedMail:
        """The mail of a message. Raises InvalidInput, NotFound or TemplateError when it cannot be made.

        DatabaseUnavailable, NotSetUp without a mail server. Without a look into the database, as a rule.
        """
        if self._needs(message):
            await asyncio.to_thread(self._load, message)
        small = _is_small(message)
        prepared = self._prepare(message) if small else await asyncio.to_thread(self._prepare, message)
        if prepared.targets and (message.sender.domain, prepared.targets) not in self._kept_links:
            await asyncio.to_thread(self._keep_links, prepared)
        return prepared

    def remake(self, stored: bytes) -> PreparedMail:
        """The mail of a message that was accepted before, from what is stored of it, in a thread that may wait.

        Raises as `prepare`.
        """
        try:
            message = read_stored(stored)
        except ValueError as cause:
            raise InvalidInput("content_of_another_version") from cause
        if self._needs(message):
            self._load(message)
        return self._prepare(message)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()

    def _prepare(self, message: SingleMessage) -> PreparedMail:
        facts, domain = self._facts, message.sender.domain
        assert facts is not None
        if None in message.track:
            tracking = facts.trackings.get(domain)
            message = replace(message, track=message.track.or_else(tracking) if tracking else message.track)
        return prepare(
            message,
            self._templates,
            extras=self._extras_of(domain, facts),
            installation_id=facts.installation_id,
            unsubscribe_page=self._page,
            public_url=self._public_url,
        )

    def _extras_of(self, domain: str, facts: _Facts) -> RendererExtras:
        smtp = self._smtp()
        known = self._extras.get(domain)
        if known is not None and known[0] is facts and known[1] == smtp:
            return known[2]
        extras = RendererExtras(
            bounce_domain=facts.bounce_domains.get(domain),
            token_secret=facts.token_secret,
            provider_header=ProviderHeader(*smtp.provider_header) if smtp.provider_header else None,
            headers=smtp.headers,
        )
        self._extras[domain] = (facts, smtp, extras)
        return extras

    def _needs(self, message: SingleMessage) -> bool:
        facts = self._facts
        if facts is None or time.monotonic() - facts.read_at >= FACTS_KEPT:
            return True
        return message.template is not None and self._templates.needs(message.template, message.template_version)

    def _load(self, message: SingleMessage) -> None:
        with self._lock:
            if not self._needs(message):
                return  # another thread was here
            conn = self._connected()
            with transaction(conn):
                self._facts = _Facts(
                    installation_id=installation_id(conn),
                    token_secret=token_secrets(conn)[0],
                    bounce_domains=sender_domains.bounce_domains(conn),
                    trackings=sender_domains.trackings(conn),
                    read_at=time.monotonic(),
                )
            name, version = message.template, message.template_version
            if name is not None and self._templates.needs(name, version):
                self._templates.load(conn, name, version)

    def _keep_links(self, prepared: PreparedMail) -> None:
        domain = prepared.message.sender.domain
        with self._lock:
            conn = self._connected()
            with transaction(conn):
                task_id = open_chunks.ensure_task(conn, domain)
                tracked_links.keep(conn, task_id=task_id, targets=prepared.targets)
            if len(self._kept_links) >= _MOST_LINKS:
                self._kept_links.clear()
            self._kept_links.add((domain, prepared.targets))

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._dsn, application="ses-ops single messages")
        return self._conn


def _is_small(message: SingleMessage) -> bool:
    """Whether a message is made in a fraction of a millisecond: no files, no long text, nothing to loop over."""
    texts = (message.subject or "", message.text or "", message.html or "")
    return (
        not message.attachments
        and sum(map(len, texts)) <= _SMALL
        and not any("{%" in one for one in texts)
        and not any(isinstance(one, list | dict) for one in message.values.values())
    )
