"""The services `public` and `api` behind deploy/nginx.conf: what passes, and what no log of nginx has."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ses_ops.application.secret_box import VARIABLE
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.api.api_process import FERNET_KEY, ApiProcess, bearer, new_key
from tests.integration.events.mailing import sent
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import World
from tests.proxy.nginx import API, PUBLIC, Nginx

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
def nginx(services: tuple[ListenerProcess, ApiProcess], tmp_path_factory: Any) -> Iterator[Nginx]:
    public, api = services
    server = Nginx(tmp_path_factory.mktemp("nginx"), console=9, public=public.port, api=api.port)
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


def test_a_recipient_unsubscribes_and_no_log_has_the_token(mail, nginx, services):
    address, token = token_of(mail, "ann")
    with nginx.client(PUBLIC) as client:
        assert client.get(f"/u/{token}").status_code == 200
        assert client.post(f"/u/{token}", data=ONE_CLICK).status_code == 200
        assert client.get("/u/" + token[:-1]).status_code == 404
    end = time.monotonic() + 60
    while mail.rows("SELECT address FROM suppression") != [(address,)]:
        assert time.monotonic() < end, "what was answered is not recorded"
        time.sleep(0.05)
    assert token[:-1] not in nginx.logs()


def test_no_log_has_the_token_when_the_listener_is_away(mail, nginx):
    """What nginx writes of an error has the request in it."""
    _, token = token_of(mail, "ben")
    away = Nginx(nginx.folder / "away", console=9, public=9)
    away.start()
    try:
        with away.client(PUBLIC) as client:
            assert client.post(f"/u/{token}", data=ONE_CLICK).status_code == 502
        with away.client() as client:
            assert client.get("/mail/ses/").status_code == 502
        logs = away.logs()
        assert "connect() failed" in logs, "where a request names nobody, an error is written down"
        assert token not in logs
    finally:
        away.stop()


def test_plain_http_leads_recipients_to_https(nginx):
    url = f"http://127.0.0.1:{nginx.plain_port}/u/x"
    answer = httpx.get(url, headers={"Host": PUBLIC}, trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{PUBLIC}/u/x")


def test_a_program_sends_a_large_message_and_no_log_has_its_key(mail, nginx, monkeypatch):
    monkeypatch.setenv(VARIABLE, FERNET_KEY)
    made = new_key(mail.dsn)
    attachment = base64.b64encode(bytes(4 << 20)).decode()
    message = {
        "from": "code@mail.example.com",
        "to": ["you@example.com"],
        "subject": "Your code",
        "text": "123 456",
        "attachments": [{"name": "zeros.bin", "content": attachment}],
    }
    with nginx.client(API, headers={"Authorization": bearer(made)}) as client:
        answer = client.post("/v1/messages", json=message)
        # It has passed nginx, whose own limit is a page of HTML: the API judges it by what it knows.
        assert answer.headers["content-type"].startswith("application/"), answer.text
        assert answer.status_code != 413
        too_large = client.post("/v1/messages", content=b"x" * (8_500 << 10))
        assert too_large.status_code == 413
        assert too_large.headers["content-type"] == "application/problem+json"
        assert client.get("/v1/messages", params={"Signature": "of-the-query"}).status_code < 500
    logs = nginx.logs()
    assert "POST /v1/messages" in logs
    assert made.secret not in logs
    assert "of-the-query" not in logs


def test_a_program_that_speaks_http_is_not_led_on(nginx):
    """Its key has gone over the network by then: it is to notice."""
    url = f"http://127.0.0.1:{nginx.plain_port}/v1/messages"
    answer = httpx.post(url, headers={"Host": API, "Authorization": "Bearer a:b"}, trust_env=False, timeout=60)
    assert answer.status_code == 404
