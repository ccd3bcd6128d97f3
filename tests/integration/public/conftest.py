"""A mailing that was sent, and a listener that its recipients reach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.events.mailing import Mailing, sent
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import World


@dataclass
class Recipients:
    """A mailing, its tokens, and a client that keeps its connection."""

    mailing: Mailing
    listener: ListenerProcess
    client: httpx.Client | None

    def token(self, seq: int, language: str = "en", purpose: Purpose = Purpose.UNSUBSCRIBE) -> str:
        secret = token_secrets(self.mailing.world.conn)[0]
        key = self.mailing.key(seq)
        extra = LANGUAGES.index(UnsubscribeLanguage(language))
        self.mailing.world.conn.rollback()
        return TokenMaker(secret, purpose).make(key.occurrence_id, key.seq, key.address_check, extra)

    def link(self, seq: int, language: str = "en") -> str:
        return f"/u/{self.token(seq, language)}"

    def events(self) -> list[tuple[int, str, str]]:
        """(number of the message, kind, source), in the order of time, once all that was answered is recorded."""
        self.wait()
        return self.mailing.world.rows("SELECT seq, kind::text, source FROM message_event ORDER BY occurred_at, seq")

    def wait(self) -> None:
        """Until the listener has drained its spool; one without a client for HTTP has recorded what it answered."""
        if self.client is None:
            return
        end = time.monotonic() + 60
        while self.client.get("/health").json()["waiting_octets"]:
            assert time.monotonic() < end
            time.sleep(0.05)

    def suppressed(self) -> list[tuple[str, str, str]]:
        self.wait()
        return self.mailing.world.rows("SELECT address, scope, reason FROM suppression ORDER BY 1, 2")


@pytest.fixture
def mailing(world) -> Mailing:
    return sent(world, "spring", ["Ann@example.org", "bob@example.net", "cy@example.org"])


@pytest.fixture(scope="module")
def shared_world(postgres, ses_template, tmp_path_factory) -> Iterator[World]:
    """One database for the tests of a module: a listener takes two seconds to start."""
    name = postgres.new_database(ses_template)
    world = World(dsn=postgres.dsn(name), templates=tmp_path_factory.mktemp("templates"))
    yield world
    world.close()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def listener(shared_world, tmp_path_factory) -> Iterator[ListenerProcess]:
    """It believes what a proxy on this machine says of the client."""
    listener = ListenerProcess(dsn=shared_world.dsn, spool=tmp_path_factory.mktemp("listener") / "spool")
    listener.start()
    yield listener
    listener.kill()


@pytest.fixture
def recipients(shared_world, listener) -> Iterator[Recipients]:
    """A mailing of its own, and a client of its own: whatever is limited is limited by one of them."""
    with shared_world.conn, shared_world.conn.cursor() as cursor:
        cursor.execute(
            "TRUNCATE message_event, message_feedback, feedback_count, suppression, unmatched_event, event_feed,"
            " engagement, message_engagement, engagement_count, link_count, engagement_hour, tracked_link"
        )
        cursor.execute("SELECT count(*) FROM occurrence")
        (number,) = cursor.fetchone()
    mailing = sent(shared_world, f"spring-{number}", ["Ann@example.org", "bob@example.net", "cy@example.org"])
    headers = {"X-Forwarded-For": f"192.0.2.{number}"}
    with httpx.Client(base_url=listener.url, trust_env=False, timeout=30, headers=headers) as client:
        yield Recipients(mailing=mailing, listener=listener, client=client)
