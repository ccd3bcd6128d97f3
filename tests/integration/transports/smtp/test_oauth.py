"""OAuth 2: a token that the connection has or that is fetched logs in, is renewed, and is shown nowhere."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ses_ops.errors import InvalidInput
from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.access_token import AccessTokens
from ses_ops.transports.smtp.settings import smtp_settings_from_fields
from ses_ops.transports.smtp.transport import SmtpTransport
from tests.integration.smtp_servers.logins import LoginServer, Rules
from tests.integration.smtp_servers.token_endpoint import TokenEndpoint
from tests.integration.transports.smtp.sending import ListFeed, assert_lawful, envelopes

USER = "news@mail.example.com"
#: As long as Microsoft's: no command line has room for it (RFC 4954 4).
LONG = "eyJ0eXAiOiJKV1Qi." + "x" * 1500
SECRET = "cl1ent-s3cret"


class Authority:
    def __init__(self, folder: Path) -> None:
        made = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        made.cert_pem.write_to_path(self.ca_file)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert("127.0.0.1").configure_cert(self.context)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def endpoint(authority: Authority) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(authority.context) as endpoint:
        yield endpoint


def settings(server: LoginServer, **extra: Any) -> Any:
    waits = {"timeout": 3, "unavailable_after": 60, "connections": 3}
    return smtp_settings_from_fields(
        conn_type="smtp", host=server.host, port=server.port, login=USER, password=None, extra={**waits, **extra}
    )


def from_endpoint(endpoint: TokenEndpoint, authority: Authority, **more: Any) -> dict[str, Any]:
    client = {"client_id": "ses-ops", "client_secret": SECRET, "token_url": endpoint.url}
    return {"auth_type": "oauth2", **client, "ca_file": authority.ca_file, **more}


class Ran:
    """What a run brought, without a secret in anything that anybody sees."""

    def __init__(self, server: LoginServer, count: int, log: pytest.LogCaptureFixture, **extra: Any) -> None:
        log.set_level(logging.DEBUG)
        given = settings(server, **extra)
        self.feed, transport = ListFeed(envelopes(count)), SmtpTransport(given)
        transport.drain()
        self.error: Exception | None = None
        began = time.monotonic()
        try:
            run_in_loop(asyncio.wait_for(transport.run(self.feed), 30))
        except Exception as error:
            self.error = error
        self.seconds = time.monotonic() - began
        assert not isinstance(self.error, TimeoutError)
        assert_lawful(server, self.feed)
        seen = f"{self.error!r} {self.feed.outcomes!r} {given!r} {log.text}"
        for secret in (SECRET, "token-", LONG[:40], "eyJ0"):
            assert secret not in seen, f"{secret} can be seen"


@pytest.mark.parametrize("offered", [("XOAUTH2", "PLAIN"), ("OAUTHBEARER",), ("PLAIN", "OAUTHBEARER", "XOAUTH2")])
@pytest.mark.parametrize("token", ["ya29.short", LONG], ids=["short", "long"])
def test_mail_goes_with_the_token_of_the_connection(
    caplog: pytest.LogCaptureFixture, offered: tuple[str, ...], token: str
) -> None:
    with LoginServer(Rules(tokens={token}), offered) as server:
        ran = Ran(server, 30, caplog, auth_type="oauth2", access_token=token)
    assert ran.error is None
    assert ran.feed.count() == {Delivery.SENT: 30}
    assert server.logins == [USER] * server.connections
    assert set(server.logged_in) == {"XOAUTH2" if "XOAUTH2" in offered else "OAUTHBEARER"}
    assert all(len(line) <= 510 for line in server.commands)


@pytest.mark.parametrize(("mechanism", "farewell"), [("XOAUTH2", b""), ("OAUTHBEARER", b"\x01")])
def test_a_refused_token_is_told_with_the_servers_reason(
    caplog: pytest.LogCaptureFixture, mechanism: str, farewell: bytes
) -> None:
    with LoginServer(Rules(), (mechanism, "PLAIN")) as server:
        ran = Ran(server, 30, caplog, auth_type="oauth2", access_token=LONG)
    assert isinstance(ran.error, SetupRefused)
    for words in (f"the login '{USER}' was refused: {mechanism}: 535", "status 401", "scope https://mail.example.com/"):
        assert words in str(ran.error)
    assert server.farewells == [farewell], "what each mechanism says before the server's 535"
    assert server.tried == [mechanism], "a password was never asked for"


def test_a_server_without_oauth_gets_no_token(caplog: pytest.LogCaptureFixture) -> None:
    with LoginServer(Rules()) as server:
        ran = Ran(server, 3, caplog, auth_type="oauth2", access_token=LONG)
    assert "offers LOGIN, PLAIN; with these settings this program can do XOAUTH2, OAUTHBEARER" in str(ran.error)
    assert server.tried == []


def test_one_token_is_fetched_for_all_connections(
    caplog: pytest.LogCaptureFixture, endpoint: TokenEndpoint, authority: Authority
) -> None:
    with LoginServer(Rules(tokens=endpoint.given), ("XOAUTH2",), max_messages_per_connection=10) as server:
        ran = Ran(server, 100, caplog, **from_endpoint(endpoint, authority, scope="smtp.send"))
    assert ran.error is None
    assert ran.feed.count() == {Delivery.SENT: 100}
    assert server.connections >= 10
    client = {"client_id": "ses-ops", "client_secret": SECRET}
    assert endpoint.questions == [{"grant_type": "client_credentials", **client, "scope": "smtp.send"}]


def test_a_token_that_has_expired_is_renewed_for_later_connections(
    caplog: pytest.LogCaptureFixture, endpoint: TokenEndpoint, authority: Authority
) -> None:
    endpoint.expires_in = 2  # half of it is left unused
    with LoginServer(Rules(tokens=endpoint.given), ("XOAUTH2",), max_messages_per_connection=5, delay=0.08) as server:
        ran = Ran(server, 30, caplog, **from_endpoint(endpoint, authority, connections=1))
    assert ran.error is None
    assert ran.feed.count() == {Delivery.SENT: 30}
    assert 2 <= len(endpoint.questions) < server.connections


def test_a_token_that_was_revoked_is_replaced_at_once(
    caplog: pytest.LogCaptureFixture, endpoint: TokenEndpoint, authority: Authority
) -> None:
    """Also the one that the connection has: it is some hours old, and there is a client to fetch another with."""
    with LoginServer(Rules(tokens=endpoint.given), ("XOAUTH2",)) as server:
        ran = Ran(server, 30, caplog, **from_endpoint(endpoint, authority, access_token=LONG))
    assert ran.error is None
    assert ran.feed.count() == {Delivery.SENT: 30}
    assert len(endpoint.questions) == 1
    assert server.tried.count("XOAUTH2") == server.connections


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": f"AADSTS7000215: wrong secret {SECRET}"},
            "gives none: 401 invalid_client: AADSTS7000215: wrong secret ***; check client_id, client_secret",
        ),
        (400, {"error": "invalid_scope"}, "gives none: 400 invalid_scope"),
        (200, {"token_type": "Bearer"}, "gives none: 200"),
        (200, {"access_token": "token-\x01bad"}, "gives none: 200"),
        (200, b"<html>sign in</html>", "gives none: 200"),
        (302, b"", "gives none: 302"),
        (404, b"no such page", "gives none: 404"),
    ],
)
def test_an_endpoint_that_refuses_ends_the_run_at_once(
    caplog: pytest.LogCaptureFixture,
    endpoint: TokenEndpoint,
    authority: Authority,
    status: int,
    answer: Any,
    words: str,
) -> None:
    endpoint.instead = [(status, answer)] * 9
    with LoginServer(Rules(), ("XOAUTH2",)) as server:
        ran = Ran(server, 30, caplog, **from_endpoint(endpoint, authority))
    assert isinstance(ran.error, SetupRefused)
    assert f"token from {endpoint.url}: {words}" in str(ran.error)
    assert len(endpoint.questions) == 1
    assert server.connections == 0


@pytest.mark.parametrize(
    "instead", [(503, b"busy"), (429, {"error": "slow_down"}), (400, {"error": "temporarily_unavailable"})]
)
def test_an_endpoint_in_trouble_is_asked_again(
    caplog: pytest.LogCaptureFixture, endpoint: TokenEndpoint, authority: Authority, instead: tuple[int, Any]
) -> None:
    endpoint.instead = [instead] * 2
    with LoginServer(Rules(tokens=endpoint.given), ("XOAUTH2",)) as server:
        ran = Ran(server, 5, caplog, **from_endpoint(endpoint, authority))
    assert ran.error is None
    assert len(endpoint.questions) == 3


def test_an_endpoint_that_does_not_answer_or_is_not_trusted_is_named(
    caplog: pytest.LogCaptureFixture, endpoint: TokenEndpoint, authority: Authority
) -> None:
    with LoginServer(Rules(), ("XOAUTH2",)) as server:
        untrusted = Ran(server, 5, caplog, **{**from_endpoint(endpoint, authority), "ca_file": ""})
        endpoint.delay = 30
        silent = Ran(server, 5, caplog, **from_endpoint(endpoint, authority, timeout=0.3, unavailable_after=0.2))
    assert isinstance(untrusted.error, SetupRefused)
    assert "its certificate is not trusted" in str(untrusted.error)
    assert f"token from {endpoint.url}: no answer within 0.3 s" in str(silent.error)
    assert silent.seconds < 25


def test_fetching_a_token_keeps_nobody_from_sending(endpoint: TokenEndpoint, authority: Authority) -> None:
    endpoint.delay = 2

    async def main(given: Any) -> tuple[list[tuple[str, bool]], int]:
        tokens = AccessTokens(given, given.oauth2)
        asking = asyncio.gather(tokens.current(), tokens.current())
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.005)
            turns += 1
        return list(await asking), turns

    import httpx  # its import is once a process

    assert httpx
    with LoginServer(Rules()) as server:
        got, turns = run_in_loop(main(settings(server, **from_endpoint(endpoint, authority))))
    assert got == [("token-1", True), ("token-1", False)], "the second waited for the first one's"
    assert turns > 20, "the event loop stood still"


# --- what the connection says


def read(login: str | None = USER, **extra: Any) -> Any:
    return smtp_settings_from_fields(conn_type="smtp", host="h", port=587, login=login, password=None, extra=extra)


def test_microsofts_endpoint_and_scope_are_those_of_airflows_provider() -> None:
    oauth2 = read(auth_type="oauth2", client_id="a", client_secret="b", tenant_id="contoso.example").oauth2
    assert oauth2.endpoint == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert oauth2.asked_scope == "https://outlook.office.com/.default"


def test_a_connection_with_a_token_and_no_auth_type_is_one_for_oauth() -> None:
    assert read(access_token="t").oauth2.access_token == "t"
    assert read(client_id="a", client_secret="b").oauth2.renewable
    assert read(None, access_token="t", from_email=USER).login == USER


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"auth_type": "oauth2"}, "auth_type: is oauth2, which needs access_token, or client_id and client_secret"),
        ({"auth_type": "oauth2", "client_id": "a"}, "which needs access_token"),
        ({"auth_type": "kerberos"}, "auth_type: 'kerberos' is not one of basic, oauth2"),
        ({"access_token": "gehe im"}, "access_token: has a space"),
        ({"access_token": "geheim\r\nRSET"}, "access_token: has a space"),
        ({"access_token": ["geheim"]}, "access_token: is not a text"),
        ({"client_id": "a", "client_secret": 5}, "client_secret: is not a text"),
        ({"access_token": "geheim", "token_url": "http://x.example/"}, "token_url: is not an https:// address"),
        (
            {"access_token": "geheim", "token_url": "https://u:geheim@x.example/"},
            "token_url: is not an https:// address",
        ),
        ({"access_token": "geheim", "tenant_id": "a/../b"}, "tenant_id: 'a/../b' is not the id or domain"),
        ({"access_token": "geheim", "auth_mechanism": "plain"}, "auth_mechanism: 'PLAIN' is not one of XOAUTH2"),
    ],
)
def test_a_mistake_in_it_is_named_without_the_secret(extra: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(**extra)
    assert words in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_oauth_without_a_mailbox_is_refused() -> None:
    with pytest.raises(InvalidInput, match="login: is missing: OAuth 2 needs"):
        read(None, access_token="t")


#: What the form of Airflow's provider writes when nobody touches it.
FORM = {"timeout": 30, "retry_limit": 5, "disable_tls": False, "disable_ssl": False, "auth_type": "basic"}
FORM |= dict.fromkeys(("from_email", "access_token", "client_id", "client_secret", "tenant_id", "scope"), "")


@pytest.mark.parametrize(
    ("extra", "tls", "verify"),
    [
        ({}, "starttls-if-offered", True),
        ({"disable_ssl": True}, "starttls", True),
        ({"disable_tls": True}, "tls", True),
        ({"disable_ssl": "true", "disable_tls": "True"}, "none", True),
        ({"disable_ssl": True, "tls": "starttls-if-offered"}, "starttls-if-offered", True),
        ({"ssl_context": "none"}, "starttls-if-offered", False),
        ({"ssl_context": "none", "verify": True}, "starttls-if-offered", True),
        ({"ssl_context": "default"}, "starttls-if-offered", True),
    ],
)
def test_how_the_provider_encrypts_is_how_we_do(extra: dict[str, Any], tls: str, verify: bool) -> None:
    given = read(**{**FORM, **extra})
    assert (given.tls.value, given.verify) == (tls, verify)
    contradicted = set(extra) & {"tls", "verify"}
    assert len(given.unused) == len(contradicted)


def test_nothing_that_the_provider_knows_is_dropped_without_a_word() -> None:
    said = {"retry_limit": 3, "from_email": USER, "subject_template": "s", "html_content_template": "h"}
    said |= {"access_token": "geheim", "client_id": "a", "client_secret": "geheim", "tenant_id": "t", "scope": "s"}
    given = read(**{**FORM, **said})
    assert {text.partition(": ")[0] for text in given.unused} == {f"extra.{name}" for name in said}
    assert "geheim" not in repr(given)
    assert read(**FORM).unused == ()


def test_every_field_of_the_providers_form_is_read() -> None:
    info = pytest.importorskip("airflow.providers.smtp.get_provider_info").get_provider_info()
    (form,) = (one["conn-fields"] for one in info["connection-types"] if one["connection-type"] == "smtp")
    values = itertools.chain.from_iterable([(name, field["schema"].get("default", ""))] for name, field in form.items())
    assert read(**json.loads(json.dumps(dict(values)))).unused == ()
