"""The services `public` and `api` behind each file of deploy/: what passes, and what no log of the proxy has."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ses_ops.application.secret_box import VARIABLE
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, bearer, new_key
from tests.integration.events.mailing import sent
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import World
from tests.proxy.front import API, PUBLIC, Front

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def mail(postgres: Any, ses_template: str, tmp_path_factory: Any) -> Iterator[World]:
    name = postgres.new_database(ses_template)
    world = World(dsn=postgres.dsn(name), templates=tmp_path_factory.mktemp("templates"))
    yield world
    world.close()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def services(mail: World, tmp_path_factory: Any) -> Iterator[tuple[ListenerProcess, ApiProcess]]:
    folder = tmp_path_factory.mktemp("services")
    public = ListenerProcess(dsn=mail.dsn, spool=folder / "public", settings={"SES_PUBLIC_URL": f"https://{PUBLIC}"})
    api = ApiProcess(dsn=mail.dsn, spool=folder / "api")
    try:
        public.launch()
        api.launch()
        public.wait()
        api.wait()
        yield public, api
    finally:
        public.kill()
        api.kill()


@pytest.fixture(scope="module")
def proxy(services: tuple[ListenerProcess, ApiProcess], front: type[Front], tmp_path_factory: Any) -> Iterator[Front]:
    public, api = services
    server = front(tmp_path_factory.mktemp("services-proxy"), console=9, public=public.port, api=api.port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def token_of(world: World, name: str) -> tuple[str, str]:
    """A recipient's address and the token of that one's link."""
    mailing = sent(world, name, [f"{name}@example.org"])
    key = mailing.key(1)
    extra = LANGUAGES.index(UnsubscribeLanguage("en"))
    maker = TokenMaker(token_secrets(world.conn)[0], Purpose.UNSUBSCRIBE)
    world.conn.rollback()
    return f"{name}@example.org", maker.make(key.occurrence_id, key.seq, key.address_check, extra)


def test_a_recipient_unsubscribes_and_no_log_has_the_token(mail, proxy, services):
    address, token = token_of(mail, f"ann-{proxy.program}")
    with proxy.client(PUBLIC) as client:
        assert client.get(f"/u/{token}").status_code == 200
        assert client.post(f"/u/{token}", data=ONE_CLICK).status_code == 200
        assert client.get("/u/" + token[:-1]).status_code == 404
    end = time.monotonic() + 60
    while (address,) not in mail.rows("SELECT address FROM suppression"):
        assert time.monotonic() < end, "what was answered is not recorded"
        time.sleep(0.05)
    assert token[:-1] not in proxy.logs()


def test_no_log_has_the_token_when_the_listener_is_away(mail, front, tmp_path):
    """What a proxy writes of an error has the request in it."""
    _, token = token_of(mail, f"ben-{front.program}")
    away = front(tmp_path / "away", console=9, public=9)
    away.start()
    try:
        with away.client(PUBLIC) as client:
            assert client.post(f"/u/{token}", data=ONE_CLICK).status_code in (502, 503)
        with away.client() as client:
            assert client.get("/mail/ses/").status_code in (502, 503)
        logs = away.logs()
        assert "/mail/ses/" in logs, "where a request names nobody, it is written down"
        assert token not in logs
    finally:
        away.stop()


def test_plain_http_leads_recipients_to_https(proxy):
    answer = proxy.plain(PUBLIC, "/u/x")
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{PUBLIC}/u/x")


def test_a_program_sends_a_large_message_and_no_log_has_its_key(mail, proxy, monkeypatch):
    monkeypatch.setenv(VARIABLE, FERNET_KEY)
    made = new_key(mail.dsn, name=f"shop-{proxy.program}")
    attachment = base64.b64encode(bytes(4 << 20)).decode()
    message = {
        "from": "code@mail.example.com",
        "to": ["you@example.com"],
        "subject": "Your code",
        "text": "123 456",
        "attachments": [{"name": "zeros.bin", "content": attachment}],
    }
    with proxy.client(API, headers={"Authorization": bearer(made)}) as client:
        answer = client.post("/v1/messages", json=message)
        # It has passed the proxy, whose own limit is a page of HTML: the API judges it by what it knows.
        assert answer.headers["content-type"].startswith("application/"), answer.text
        assert answer.status_code != 413
        too_large = client.post("/v1/messages", content=b"x" * (8_500 << 10))
        assert too_large.status_code == 413
        assert too_large.headers["content-type"] == "application/problem+json"
        assert client.get("/v1/messages", params={"Signature": "of-the-query"}).status_code < 500
    logs = proxy.logs()
    assert "/v1/messages" in logs
    assert made.secret not in logs
    assert "of-the-query" not in logs


def test_a_program_that_speaks_http_is_not_led_on(proxy):
    """Its key has gone over the network by then: it is to notice."""
    answer = proxy.plain(API, "/v1/messages", "POST", headers={"Authorization": "Bearer a:b"})
    assert answer.status_code == 404
