"""AUTH with servers that refuse one mechanism and take another, each in its own way (RFC 4954)."""

from __future__ import annotations

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.settings import SmtpSettings
from tests.integration.smtp_servers.logins import LoginServer, Rules, refusal
from tests.integration.smtp_servers.script import CLOSE, DROP, Act
from tests.integration.transports.smtp.sending import Run, assert_lawful, send

PASSWORD = "s3cret pässword"
GOOD = {"user": PASSWORD}


def mail(server: LoginServer, count: int = 30, **options: object) -> Run:
    given: dict[str, object] = {"login": "user", "password": PASSWORD, "timeout": 5, "unavailable_after": 60, **options}
    run = send(server, count, **given)
    assert_lawful(server, run.feed)
    everything = f"{run.error!r} {run.feed.outcomes!r}"
    assert "s3cret" not in everything
    return run


@pytest.mark.parametrize("code", [432, 500, 501, 502, 503, 504, 530, 534, 535, 538, 550, 554])
def test_where_plain_is_refused_login_is_tried_and_the_other_connections_begin_with_it(code: int) -> None:
    with LoginServer(Rules(passwords=GOOD, in_place_of={"PLAIN": refusal(code)})) as server:
        run = mail(server)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 30}
    # 501 is about the form: PLAIN is said once more, in the other one.
    assert server.tried.count("PLAIN") == (2 if code == 501 else 1)
    assert server.tried.count("LOGIN") == server.connections


@pytest.mark.parametrize("act", [refusal(535, close=True), Act("535 and RST", b"535 5.7.8 no\r\n", "drop")])
def test_a_server_that_closes_after_a_refusal_is_asked_for_the_next_mechanism_on_another_connection(act: Act) -> None:
    with LoginServer(Rules(passwords=GOOD, in_place_of={"PLAIN": act})) as server:
        run = mail(server, connections=1)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 30}
    assert server.tried == ["PLAIN", "LOGIN"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "act", [CLOSE, DROP, Act("421", b"421 4.7.0 too many errors\r\n", "close")], ids=lambda a: a.name
)
def test_a_server_that_breaks_off_when_it_is_asked_for_plain_is_asked_for_login_next(act: Act) -> None:
    with LoginServer(Rules(passwords=GOOD, in_place_of={"PLAIN": act})) as server:
        run = mail(server, connections=1)
    assert run.error is None
    assert server.tried == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize("closes", [False, True])
def test_when_all_are_refused_each_was_tried_once_and_the_error_names_them(closes: bool) -> None:
    rules = Rules(passwords={"user": "another"}, close_after_refusal=closes, in_place_of={"PLAIN": refusal(504)})
    with LoginServer(rules, ("CRAM-MD5", "LOGIN", "PLAIN", "GSSAPI")) as server:
        run = mail(server, connections=20)
    assert isinstance(run.error, SetupRefused)
    assert "the login 'user' was refused: PLAIN: 504 5.7.4 no, LOGIN: 535 5.7.5 no, CRAM-MD5: 535" in str(run.error)
    assert server.tried == ["PLAIN", "LOGIN", "CRAM-MD5"]
    assert not server.accepted


def test_a_server_that_offers_only_cram_md5_gets_that() -> None:
    with LoginServer(Rules(passwords=GOOD), ("CRAM-MD5",)) as server:
        run = mail(server)
    assert run.error is None
    assert set(server.logged_in) == {"CRAM-MD5"}


@pytest.mark.parametrize("mechanism", ["LOGIN", "CRAM-MD5"])
def test_the_mechanism_of_the_settings_is_the_only_one_that_is_tried_offered_or_not(mechanism: str) -> None:
    with LoginServer(Rules(passwords=GOOD), ("PLAIN",)) as server:
        run = mail(server, auth_mechanism=mechanism)
    assert run.error is None
    assert set(server.tried) == {mechanism}


def test_a_mechanism_that_does_not_exist_or_is_for_the_other_kind_of_login_is_refused() -> None:
    for name in ("NTLM", "XOAUTH2"):
        with pytest.raises(InvalidInput, match=f"auth_mechanism: '{name}' is not one of PLAIN, LOGIN, CRAM-MD5"):
            SmtpSettings(host="h", login="user", password="x", auth_mechanism=name)


@pytest.mark.parametrize(
    "prompts",
    [
        (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"),  # Username: Password:
        (b"VXNlciBOYW1lAA==", b"UGFzc3dvcmQA"),  # User Name\0 Password\0, as in the draft
        (b"dXNlcm5hbWU6", b"cGFzc3dvcmQ6"),  # username: password:, as Tencent's
        (b"Username:", b"Password:"),  # not in base64
        (b"", b""),
        (b"UGFzc3dvcmQ6", b"VXNlcm5hbWU6"),  # the other way round
    ],
)
def test_login_gives_what_each_prompt_asks_for(prompts: tuple[bytes, bytes]) -> None:
    with LoginServer(Rules(passwords=GOOD, prompts=prompts), ("LOGIN",)) as server:
        run = mail(server, 3)
    assert run.error is None
    assert server.tried == ["LOGIN"] * server.connections


def test_login_gives_nothing_twice_and_the_session_goes_on_with_the_next_mechanism() -> None:
    rules = Rules(passwords=GOOD, prompts=(b"UGFzc3dvcmQ6", b"UGFzc3dvcmQ6"))
    with LoginServer(rules, ("LOGIN",)) as server:
        run = mail(server, 3)
    assert isinstance(run.error, SetupRefused)
    assert server.tried == ["LOGIN"]


@pytest.mark.parametrize("reply", [b"501 5.5.2 cannot decode\r\n", b"334 \r\n", b"334\r\n"])
def test_a_server_that_takes_no_initial_response_gets_the_answer_when_it_asks(reply: bytes) -> None:
    with LoginServer(Rules(passwords=GOOD, to_initial=reply), ("PLAIN",)) as server:
        run = mail(server, 3, connections=1)
    assert run.error is None
    assert run.feed.count() == {Delivery.SENT: 3}


def test_a_login_that_is_put_off_is_tried_again() -> None:
    put_off = Act("454", b"454 4.7.0 try later\r\n")
    with LoginServer(Rules(passwords=GOOD, in_place_of={"PLAIN": put_off}), ("PLAIN",)) as server:
        run = mail(server, 3, unavailable_after=0.5)
    assert not isinstance(run.error, SetupRefused)
    assert "the login 'user' was put off: PLAIN: 454 4.7.0 try later" in str(run.error)
    assert len(server.tried) > 1


def test_what_would_save_the_refused_try_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with LoginServer(Rules(passwords=GOOD, in_place_of={"PLAIN": refusal(535)})) as server:
        mail(server, 3, connections=1)
    assert "AUTH PLAIN was refused (535 5.7.5 no), and LOGIN works: set auth_mechanism to LOGIN" in caplog.text
