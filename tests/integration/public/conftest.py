"""A mailing that was sent, and a listener that its recipients reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.secrets import token_secrets
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.listener_process import ListenerProcess


@dataclass
class Recipients:
    """A mailing, its tokens, and a client that keeps its connection."""

    mailing: Mailing
    listener: ListenerProcess
    client: httpx.Client

    def token(self, seq: int, language: str = "en", purpose: Purpose = Purpose.UNSUBSCRIBE) -> str:
        secret = token_secrets(self.mailing.world.conn)[0]
        key = self.mailing.key(seq)
        extra = LANGUAGES.index(UnsubscribeLanguage(language))
        self.mailing.world.conn.rollback()
        return TokenMaker(secret, purpose).make(key.occurrence_id, key.seq, key.address_check, extra)

    def link(self, seq: int, language: str = "en") -> str:
        return f"/u/{self.token(seq, language)}"

    def events(self) -> list[tuple[int, str, str]]:
        """(number of the message, kind, source), in the order of time."""
        return self.mailing.world.rows("SELECT seq, kind::text, source FROM message_event ORDER BY occurred_at, seq")

    def suppressed(self) -> list[tuple[str, str, str]]:
        return self.mailing.world.rows("SELECT address, scope, reason FROM suppression ORDER BY 1, 2")


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["Ann@example.org", "bob@example.net", "cy@example.org"])


@pytest.fixture
def listener(ses_dsn, tmp_path) -> Iterator[ListenerProcess]:
    listener = ListenerProcess(dsn=ses_dsn, spool=tmp_path / "spool")
    listener.start()
    yield listener
    listener.kill()


@pytest.fixture
def recipients(mailing, listener) -> Iterator[Recipients]:
    with httpx.Client(base_url=listener.url, trust_env=False, timeout=30) as client:
        yield Recipients(mailing=mailing, listener=listener, client=client)
