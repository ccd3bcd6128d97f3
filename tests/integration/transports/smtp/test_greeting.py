"""The first words of a session: who is refused at once, who is waited for, and what the error says to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from ses_ops.cli import checks
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp import session
from ses_ops.transports.smtp.probe import probe
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from tests.integration.smtp_servers.script import Act, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, send, settings_for


def always(step: str, reply: bytes, then: str = "close") -> Script:
    return Script(faults=(Fault(step, Act("refusal", reply, then), times=None),))  # type: ignore[arg-type]


class Slow(ScriptedServer):
    """Keeps its greeting back for so many seconds."""

    greets_after = 2.0

    async def _talk(self, session: Any) -> None:
        await asyncio.sleep(self.greets_after)
        await super()._talk(session)


class Picky(ScriptedServer):
    """Takes no address for a name, as many servers do not."""

    reply = b"550 5.7.1 Access denied - Invalid HELO name\r\n"

    async def _do_ehlo(self, session: Any, rest: str) -> None:
        if rest.startswith("["):
            await self._do(session, Act("refused", self.reply, "close"))
        await super()._do_ehlo(session, rest)


# --- refused at once


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"554 5.7.1 Access denied\r\n", "554 5.7.1 Access denied"),
        (b"554-mail.example.com\r\n554 Your access to this mail system has been rejected\r\n", "has been rejected"),
        (b"521 5.3.2 host does not accept mail\r\n", "521 5.3.2 host does not accept mail"),
        (b"550 Connection frequency limited\r\n", "550 Connection frequency limited"),
        # postscreen, after the line that shows who does not wait for the second.
        (b"220-mail.example.com ESMTP\r\n521 5.7.1 Blocked by example.org\r\n", "521 5.7.1 Blocked by example.org"),
    ],
)
def test_a_greeting_that_refuses_ends_the_run_at_once_with_its_words(reply: bytes, words: str) -> None:
    with ScriptedServer(always("banner", reply)) as server:
        run = send(server, 300, unavailable_after=60)
        assert str(run.error).startswith(f"127.0.0.1:{server.port}: the server does not want to talk: ")
    assert isinstance(run.error, SetupRefused), "which Airflow does not try again"
    assert words in str(run.error)
    assert server.connections == 1
    assert run.seconds < 30, "it did not end at once"
    assert set(run.feed.count()) == {Delivery.DEFERRED}
    assert_lawful(server, run.feed)


@pytest.mark.parametrize("step", ["ehlo", "helo"])
def test_a_refused_hello_ends_the_run_at_once_too(step: str) -> None:
    script = always(step, b"550 5.7.1 go away\r\n")
    with ScriptedServer(Script(faults=script.faults, esmtp=step == "ehlo")) as server:
        run = send(server, 5, unavailable_after=60)
    assert isinstance(run.error, SetupRefused)
    assert "550 5.7.1 go away" in str(run.error)
    assert server.connections == 1


@pytest.mark.parametrize("reply", [b"421 4.3.2 too busy\r\n", b"450 4.3.2 come back\r\n", b"454 no\r\n"])
@pytest.mark.parametrize("step", ["banner", "ehlo"])
def test_a_refusal_for_now_is_tried_again(step: str, reply: bytes) -> None:
    fault = Fault(step, Act("4xx", reply, "close"), times=3)  # type: ignore[arg-type]
    with ScriptedServer(Script(faults=(fault,))) as server:
        run = send(server, 5, unavailable_after=10, connections=1)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 5}


def test_a_refusal_in_the_middle_of_a_mailing_does_not_end_it() -> None:
    fault = Fault("banner", Act("554", b"554 5.7.1 too many connections\r\n", "close"), at=3, times=4)
    with ScriptedServer(Script(faults=(fault,), delay=0.01)) as server:
        run = send(server, 200, unavailable_after=10, connections=10)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 200}


class Other(ScriptedServer):
    host = "127.0.0.2"


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name stands for 127.0.0.2 and 127.0.0.1, in this order."""

    def resolve(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return "relay.example"


@pytest.mark.parametrize("other", ["refuses", "is not there", "is busy"])
def test_each_address_is_asked_before_a_refusal_is_believed(two_addresses: str, other: str) -> None:
    refusing = always("banner", b"554 5.7.1 not you\r\n")
    with Other(refusing) as first:
        second = ScriptedServer(
            refusing if other == "refuses" else always("banner", b"421 4.3.2 busy\r\n"), port=first.port
        )
        with second:
            if other == "is not there":
                second.close_listening()
            run = send(first, 5, host=two_addresses, unavailable_after=0.5, timeout=2, loop=asyncio.run)
    assert isinstance(run.error, SetupRefused) == (other != "is busy")
    assert ("554 5.7.1 not you" if other != "is busy" else "421 4.3.2 busy") in str(run.error)
    if other == "refuses":
        assert (first.connections, second.connections) == (1, 1)


def test_an_address_that_is_silent_has_only_the_usual_time_while_there_is_another(two_addresses: str) -> None:
    with Other(always("banner", b"", "hang")) as first, ScriptedServer(port=first.port) as second:
        run = send(first, 20, host=two_addresses, timeout=0.5, greeting_timeout=15, loop=asyncio.run, connections=2)
    assert run.error is None
    assert sum(second.accepted.values()) == 20
    assert run.seconds < 12, "it waited as long as for the last address"


# --- our own name


@pytest.mark.parametrize(
    "reply",
    [
        b"550 5.7.1 Access denied - Invalid HELO name\r\n",
        b"421 4.7.0 I do not talk to addresses\r\n",
        b"",
        b"501 bad\r\n",
    ],
)
def test_a_server_that_refuses_an_address_for_a_name_leads_to_local_hostname(
    monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "3f2a9c")  # a container's
    with Picky() as server:
        server.reply = reply
        run = send(server, 5, unavailable_after=0.5)
        assert "[127.0.0.1]" in str(run.error)
        assert "set local_hostname to this machine's full host name" in str(run.error)
        assert reply.decode().strip() in str(run.error)
        assert send(server, 5, local_hostname="mailer.example.com").error is None


# --- waited for


@pytest.mark.parametrize("loop", [run_in_loop, asyncio.run])
def test_a_greeting_that_takes_longer_than_any_reply_is_waited_for(loop: Any) -> None:
    with Slow() as server:
        run = send(server, 5, timeout=1, greeting_timeout=20, data_timeout=5, unavailable_after=0.2, loop=loop)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 5}


def test_the_greeting_has_five_minutes_and_ten_times_any_other_timeout() -> None:
    assert SmtpSettings(host="h").greeting_within == 300
    assert SmtpSettings(host="h", timeout=60).greeting_within == 600
    assert SmtpSettings(host="h", greeting_timeout=45).greeting_within == 45


def test_what_is_waited_for_is_said_while_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(session, "_SILENCE", 0.3)
    with Slow() as server:
        text = run_in_loop(probe(settings_for(server, timeout=20, greeting_timeout=20), tell=told.append))
    assert "no login" in text
    assert told == [
        f"127.0.0.1:{server.port}: connected, and waiting for the server's greeting for up to 20 s",
    ]


def test_a_server_that_never_says_a_word_is_given_up_with_what_to_check() -> None:
    with ScriptedServer(always("banner", b"", "hang")) as server:
        run = send(server, 5, timeout=5, greeting_timeout=0.6, unavailable_after=0.2)
    assert f"127.0.0.1:{server.port}: no greeting within 0.6 s; check host and port, set tls to tls" in str(run.error)
    assert "greeting_timeout" in str(run.error)
    assert set(run.feed.count()) == {Delivery.DEFERRED}


# --- TLS where the other side does not expect it


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    made, path = trustme.CA(), tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return str(path), context


@pytest.mark.parametrize("loop", [run_in_loop, asyncio.run])
@pytest.mark.parametrize("tls", [Tls.STARTTLS_IF_OFFERED, Tls.STARTTLS, Tls.NONE])
def test_a_server_that_waits_for_tls_is_found_out_whoever_signed_its_certificate(
    authority: tuple[str, ssl.SSLContext], tls: Tls, loop: Any
) -> None:
    with ScriptedServer(Script(implicit_tls=authority[1])) as server:
        run = send(server, 5, tls=tls, timeout=10, greeting_timeout=1.5, unavailable_after=60, loop=loop)
        assert str(run.error) == (
            f"127.0.0.1:{server.port}: the server waits for TLS from the first byte: set tls to tls"
        )
        assert isinstance(run.error, SetupRefused)
        assert run.seconds < 30, "it did not end at once"
        assert send(server, 5, tls=Tls.TLS, ca_file=authority[0], timeout=10).feed.count() == {Delivery.SENT: 5}


def test_a_slow_server_is_asked_for_tls_once_and_not_mistaken_for_one_that_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_SILENCE", 0.3)
    with Slow() as server:
        run = send(server, 40, timeout=10, greeting_timeout=20, connections=4)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 40}


@pytest.mark.parametrize("loop", [run_in_loop, asyncio.run])
def test_tls_from_the_first_byte_on_a_port_without_it_is_refused_at_once_with_the_setting(loop: Any) -> None:
    with ScriptedServer() as server:
        run = send(server, 5, tls=Tls.TLS, timeout=10, unavailable_after=60, loop=loop)
        assert str(run.error) == (
            f"127.0.0.1:{server.port}: does not speak TLS from the first byte; set tls to starttls"
        )
    assert run.seconds < 30, "it did not end at once"


def test_a_refused_starttls_is_final_when_its_code_is() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fault = Fault("starttls", Act("502", b"502 5.5.1 not now, not ever\r\n"), times=None)
    with ScriptedServer(Script(starttls=context, faults=(fault,))) as server:
        run = send(server, 5, unavailable_after=60)
    assert isinstance(run.error, SetupRefused)
    assert "502 5.5.1 not now, not ever" in str(run.error)


def test_a_probe_of_a_server_that_waits_for_tls_says_so(authority: tuple[str, ssl.SSLContext], tmp_path: Path) -> None:
    with (
        ScriptedServer(Script(implicit_tls=authority[1])) as server,
        pytest.raises(TransportUnavailable, match="set tls to tls"),
    ):
        asyncio.run(probe(settings_for(server, greeting_timeout=1.5, timeout=5), tell=lambda words: None))


def test_ses_doctor_says_what_it_waits_for_and_what_of_the_connection_it_does_not_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_SILENCE", 0.3)
    with Slow() as server:
        uri = f"smtp://127.0.0.1:{server.port}/?greeting_timeout=20&retry_limit=3"
        monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", uri)
        monkeypatch.setattr(checks, "_CHECKS", [one for one in checks._CHECKS if one[0] == "smtp"])
        found = [(check.state, check.text) for check in checks.run_checks()]
    assert [state for state, _ in found] == ["warn", "ok"]
    assert found[0][1].startswith("extra.retry_limit: is not used")
    assert "waiting for the server's greeting for up to 20 s" in capsys.readouterr().err
