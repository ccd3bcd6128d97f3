"""TLS and AUTH: what is encrypted, who is trusted, and that a password goes nowhere else."""

from __future__ import annotations

import base64
import logging
import ssl
from pathlib import Path

import pytest
import trustme

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.login import Authenticator, is_this_machine
from ses_ops.transports.smtp.probe import probe
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from tests.integration.smtp_servers.script import CLOSE, DROP, GARBAGE, HANG, TEMPORARY, Act, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import assert_lawful, send, settings_for

PASSWORD = "s3cret pässword"


class Authority:
    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)
        self.wrong_name = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("mail.example.org").configure_cert(self.wrong_name)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=[Tls.STARTTLS, Tls.TLS, Tls.STARTTLS_IF_OFFERED], ids=lambda tls: tls.value)
def tls(request: pytest.FixtureRequest) -> Tls:
    return request.param  # type: ignore[no-any-return]


def script(authority: Authority, tls: Tls, *, wrong_name: bool = False, **more: object) -> Script:
    context = authority.wrong_name if wrong_name else authority.context
    if tls is Tls.TLS:
        return Script(implicit_tls=context, **more)  # type: ignore[arg-type]
    return Script(starttls=context, **more)  # type: ignore[arg-type]


def test_mail_goes_through_verified_tls(authority: Authority, tls: Tls) -> None:
    with ScriptedServer(script(authority, tls)) as server:
        run = send(server, 200, tls=tls, ca_file=authority.ca_file, timeout=10)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 200}
    assert_lawful(server, run.feed)
    starts = server.commands.count("STARTTLS")
    assert starts == (0 if tls is Tls.TLS else server.connections)


def test_a_server_that_takes_the_connection_and_is_silent_in_the_handshake_is_named_with_what_to_check(
    authority: Authority,
) -> None:
    faults = (Fault("tls", HANG, times=None),)
    with ScriptedServer(script(authority, Tls.TLS, faults=faults)) as server:
        run = send(server, 3, tls=Tls.TLS, ca_file=authority.ca_file, timeout=0.2, unavailable_after=0.2)
    assert run.error is not None
    assert f"127.0.0.1:{server.port}: no TLS session within 0.2 s; check host, port, tls and firewall" in str(run.error)
    assert run.feed.count() == {Delivery.DEFERRED: len(run.feed.taken)}


@pytest.mark.parametrize("act", [DROP, CLOSE, HANG, GARBAGE], ids=lambda act: act.name)
@pytest.mark.parametrize("step", ["mail", "data", "final"])
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.TLS], ids=lambda tls: tls.value)
def test_the_law_holds_under_tls(authority: Authority, tls: Tls, step: str, act: Act) -> None:
    faults = (Fault(step, act, at=5),)  # type: ignore[arg-type]
    with ScriptedServer(script(authority, tls, faults=faults)) as server:
        run = send(server, 12, tls=tls, ca_file=authority.ca_file, connections=2, timeout=0.5)
    assert run.error is None
    assert_lawful(server, run.feed)
    assert run.feed.count()[Delivery.SENT] >= 11


@pytest.mark.parametrize("reason", ["unknown authority", "wrong name"])
def test_a_certificate_that_cannot_be_verified_ends_the_run_at_once_with_nothing_sent(
    authority: Authority, tls: Tls, reason: str
) -> None:
    with ScriptedServer(script(authority, tls, wrong_name=reason == "wrong name")) as server:
        ca_file = authority.ca_file if reason == "wrong name" else None
        run = send(server, 5, tls=tls, ca_file=ca_file, timeout=10, unavailable_after=60)
    assert "certificate is not trusted" in str(run.error)
    assert "ca_file" in str(run.error)
    assert run.seconds < 30, "it did not end at once"
    assert not server.accepted
    assert set(run.feed.count()) <= {Delivery.DEFERRED}
    assert server.connections <= 1


def test_verification_can_be_switched_off(authority: Authority, tls: Tls) -> None:
    with ScriptedServer(script(authority, tls, wrong_name=True)) as server:
        run = send(server, 5, tls=tls, verify=False, timeout=10)
    assert run.feed.count() == {Delivery.SENT: 5}


def test_starttls_that_is_asked_for_and_not_offered_sends_nothing() -> None:
    with ScriptedServer() as server:
        run = send(server, 5, tls=Tls.STARTTLS, unavailable_after=60)
    assert "does not offer STARTTLS" in str(run.error)
    assert not server.accepted


def test_starttls_that_is_offered_and_refused_is_not_replaced_by_plain_text(authority: Authority) -> None:
    faults = (Fault("starttls", TEMPORARY, times=None),)
    with ScriptedServer(script(authority, Tls.STARTTLS, faults=faults)) as server:
        run = send(server, 5, ca_file=authority.ca_file, unavailable_after=0.5)
    assert "offers STARTTLS but refuses it" in str(run.error)
    assert not server.accepted


@pytest.mark.parametrize("injected", [b"250 injected\r\n", b"250-half"])
def test_plain_text_slipped_in_before_the_handshake_is_refused(authority: Authority, injected: bytes) -> None:
    with ScriptedServer(script(authority, Tls.STARTTLS, injected=injected)) as server:
        run = send(server, 5, ca_file=authority.ca_file, unavailable_after=60)
    assert "between STARTTLS and the TLS handshake" in str(run.error)
    assert not server.accepted


def test_tls_from_the_first_byte_to_a_server_without_it_is_explained() -> None:
    with ScriptedServer() as server:
        run = send(server, 5, tls=Tls.TLS, unavailable_after=0.5, timeout=2)
    assert run.error is not None
    assert "TLS" in str(run.error)
    assert not server.accepted


@pytest.mark.parametrize("mechanisms", [("PLAIN",), ("LOGIN",), ("CRAM-MD5", "PLAIN", "LOGIN")], ids=" ".join)
def test_login_works_with_plain_and_with_login(authority: Authority, mechanisms: tuple[str, ...]) -> None:
    made = script(authority, Tls.STARTTLS, logins={"usér@example.com": PASSWORD}, mechanisms=mechanisms)
    with ScriptedServer(made) as server:
        run = send(server, 30, ca_file=authority.ca_file, login="usér@example.com", password=PASSWORD, timeout=5)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 30}
    assert set(server.logins) == {"usér@example.com"}
    # On a busy machine all is sent before the last one has logged in.
    assert len(server.logins) <= server.connections


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_refused_login_is_tried_once_and_told_without_the_password(
    authority: Authority, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = script(authority, Tls.STARTTLS, logins={"user": "other"}, mechanisms=(mechanism,))
    with ScriptedServer(made) as server:
        options = {"ca_file": authority.ca_file, "login": "user", "password": PASSWORD, "connections": 20}
        run = send(server, 30, **options, unavailable_after=60)
        text = str(run.error)
        assert f"127.0.0.1:{server.port}" in text
    assert "535" in text
    assert "login 'user' was refused" in text
    everything = text + repr(run.error) + repr(run.feed.outcomes) + repr(settings_for(server, **options)) + caplog.text
    assert "s3cret" not in everything
    assert "AHVzZXIAczNj" not in everything, "the password in base64, as the server repeated it"
    assert server.logins == ["user"]
    assert not server.accepted
    assert_lawful(server, run.feed)


def test_a_login_that_fails_for_the_moment_is_tried_again(authority: Authority) -> None:
    made = script(authority, Tls.STARTTLS, logins={"user": "pw"}, faults=(Fault("auth", TEMPORARY, times=2),))
    with ScriptedServer(made) as server:
        run = send(server, 3, ca_file=authority.ca_file, login="user", password="pw", unavailable_after=5, timeout=5)
    assert run.feed.count() == {Delivery.SENT: 3}


def test_a_login_without_tls_is_allowed_to_this_machine_only() -> None:
    with ScriptedServer(Script(logins={"user": "pw"})) as server:
        assert send(server, 3, login="user", password="pw").feed.count() == {Delivery.SENT: 3}

    class Elsewhere:
        address = "mail.example.org:25"

        class transport:
            @staticmethod
            def get_extra_info(name: str) -> tuple[str, int]:
                return ("198.51.100.7", 25)

    assert not is_this_machine(Elsewhere)  # type: ignore[arg-type]
    from ses_ops.transports.smtp.capabilities import Capabilities

    settings = SmtpSettings(host="mail.example.org", login="user", password="pw")
    offered = Capabilities(auth=frozenset({"PLAIN"}))
    with pytest.raises(TransportUnavailable, match="unencrypted"):
        run_in_loop(Authenticator(settings).log_in(Elsewhere, offered, encrypted=False, token=None))  # type: ignore[arg-type]


def test_a_login_that_the_server_cannot_take_is_explained() -> None:
    with ScriptedServer() as server:
        run = send(server, 3, login="user", password="pw", unavailable_after=60)
    assert "offers no login at all" in str(run.error)


def test_mail_without_the_login_that_the_server_wants_is_deferred_and_ends_the_run() -> None:
    with ScriptedServer(Script(logins={"user": "pw"})) as server:
        run = send(server, 100, unavailable_after=60)
    assert "530" in str(run.error)
    assert set(run.feed.count()) == {Delivery.DEFERRED}
    assert len(run.feed.taken) <= 5


def test_a_probe_describes_the_session(authority: Authority) -> None:
    with ScriptedServer(script(authority, Tls.STARTTLS, logins={"user": "pw"}, size=10_000_000)) as server:
        settings = settings_for(server, ca_file=authority.ca_file, login="user", password="pw", timeout=5)
        text = run_in_loop(probe(settings))
        assert text.startswith(f"127.0.0.1:{server.port}: TLS")
    assert "verified" in text
    assert "logged in as 'user'" in text
    assert "pipelining" in text
    assert "10.0 MB" in text
    assert server.commands[-1] == "QUIT"


def test_a_probe_of_a_server_that_refuses_raises_transport_unavailable() -> None:
    script = Script(faults=(Fault("banner", Act("554", b"554 no service\r\n")),))
    with ScriptedServer(script) as server, pytest.raises(TransportUnavailable, match="554 no service"):
        run_in_loop(probe(settings_for(server)))


def test_helo_serves_where_ehlo_is_unknown() -> None:
    with ScriptedServer(Script(esmtp=False)) as server:
        run = send(server, 5, connections=1)
    assert run.feed.count() == {Delivery.SENT: 5}
    assert server.commands[1].startswith("HELO ")
    assert not any("SIZE=" in command for command in server.commands)


SECRET = base64.b64encode(b"\0user\0" + PASSWORD.encode()).decode()
#: Cut in the middle, as our own words about nonsense are.
NONSENSE = f"what does AUTH PLAIN {SECRET} mean?"


@pytest.mark.parametrize(
    "act",
    [
        Act("421", f"421 4.7.0 AUTH PLAIN {SECRET} goes too far\r\n".encode(), "close"),
        Act("nonsense", f"{NONSENSE}\r\n".encode(), "close"),
        Act("welcome and nonsense", f"235 2.7.0 welcome\r\n{NONSENSE}\r\n".encode(), "close"),
    ],
    ids=lambda act: act.name,
)
def test_no_error_shows_what_a_server_repeats_of_the_login(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    made = Script(logins={"user": PASSWORD}, faults=(Fault("auth", act, times=None),))
    with ScriptedServer(made) as server:
        run = send(server, 3, login="user", password=PASSWORD, tls=Tls.NONE)
    assert run.error is not None
    for said in (str(run.error), caplog.text):
        assert f":{server.port}" in said
        assert SECRET[:12] not in said
        assert PASSWORD not in said


@pytest.mark.parametrize("length", [300, 400, 2000])
def test_a_login_that_is_too_long_for_a_command_is_given_when_it_is_asked_for(length: int) -> None:
    password = "x" * length
    with ScriptedServer(Script(logins={"user": password}, mechanisms=("PLAIN",))) as server:
        run = send(server, 3, login="user", password=password, tls=Tls.NONE)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3}
    (command,) = {line for line in server.commands if line.startswith("AUTH")}
    assert len(command) <= 510
    assert (command == "AUTH PLAIN") == (length > 374)


def test_a_connection_that_is_lost_with_the_last_reply_of_the_opening_is_no_session() -> None:
    act = Act("ehlo and nonsense", b"250 scripted\r\nnonsense\r\n")
    with (
        ScriptedServer(Script(faults=(Fault("ehlo", act, times=None),))) as server,
        pytest.raises(TransportUnavailable) as e,
    ):
        run_in_loop(probe(settings_for(server)))
    assert "no SMTP reply" in str(e.value)


def test_a_flood_of_replies_before_the_first_message_is_cut_off() -> None:
    flood = Act("flood", b"220 hello\r\n" * 100_000)
    with ScriptedServer(Script(faults=(Fault("banner", flood, times=None),))) as server:
        run = send(server, 3)
    assert "more replies than it was asked for" in str(run.error)
