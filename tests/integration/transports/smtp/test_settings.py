"""The connection's two forms give the same settings; each mistake is one clear error without the password."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.transports.smtp.settings import SmtpSettings, Tls, smtp_settings_from_connection_uri

FULL = SmtpSettings(
    host="smtp.example.com",
    port=2525,
    login="user@example.com",
    password="p@ss/w:rd#%",
    tls=Tls.STARTTLS,
    verify=False,
    connections=5,
    timeout=12.5,
    max_messages_per_second=14,
)
EXTRA: dict[str, Any] = {
    "tls": "starttls",
    "verify": False,
    "connections": 5,
    "timeout": 12.5,
    "max_messages_per_second": 14,
    "ca_file": None,
}


def as_json(**fields: Any) -> str:
    given = {
        "conn_type": "smtp",
        "host": "smtp.example.com",
        "port": 2525,
        "login": "user@example.com",
        "password": "p@ss/w:rd#%",
        "extra": EXTRA,
    }
    return json.dumps({**given, **fields})


@pytest.mark.parametrize(
    "text",
    [
        "smtp://user%40example.com:p%40ss%2Fw%3Ard%23%25@smtp.example.com:2525/"
        "?tls=starttls&verify=false&connections=5&timeout=12.5&max_messages_per_second=14",
        "smtp://user%40example.com:p%40ss%2Fw%3Ard%23%25@smtp.example.com:2525/?__extra__="
        "%7B%22tls%22%3A%22starttls%22%2C%22verify%22%3Afalse%2C%22connections%22%3A5%2C%22timeout%22%3A12.5%2C"
        "%22max_messages_per_second%22%3A14%7D",
        as_json(),
        as_json(port="2525", extra=json.dumps(EXTRA)),
        as_json(conn_type=None, description="x", extra={**EXTRA, "from_email": "a@example.com"}),
    ],
)
def test_the_forms_of_a_connection_give_the_same_settings(text: str) -> None:
    assert smtp_settings_from_connection_uri(text) == FULL


def test_airflow_reads_its_own_uri_as_we_do() -> None:
    connection = pytest.importorskip("airflow.sdk").Connection
    made = connection(
        conn_id="x",
        conn_type="smtp",
        host=FULL.host,
        port=FULL.port,
        login=FULL.login,
        password=FULL.password,
        extra=json.dumps(EXTRA),
    )
    assert smtp_settings_from_connection_uri(made.get_uri()) == FULL


@pytest.mark.parametrize(
    ("text", "port", "tls"),
    [
        ("smtp://h", 25, Tls.STARTTLS_IF_OFFERED),
        ("smtp://user:pw@h", 587, Tls.STARTTLS_IF_OFFERED),
        ("smtp://h:465", 465, Tls.TLS),
        ("smtps://h", 465, Tls.TLS),
        ("smtps://h:2465/", 2465, Tls.TLS),
        ("smtp://h:465/?tls=none", 465, Tls.NONE),
        ("smtp://h?tls=TLS", 465, Tls.TLS),
        ('{"host": "h", "port": 465}', 465, Tls.TLS),
        ("smtp://[::1]:1025", 1025, Tls.STARTTLS_IF_OFFERED),
    ],
)
def test_port_and_tls_have_defaults_that_fit_each_other(text: str, port: int, tls: Tls) -> None:
    settings = smtp_settings_from_connection_uri(text)
    assert (settings.port, settings.tls) == (port, tls)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("localhost:25", "smtp://"),
        ("smtp://", "not a URI"),
        ("http://user:geheim@h", "conn_type"),
        ("smtp://user:geheim@h:port", "port is not a number"),
        ("smtp://user:geheim@h:99999", "port"),
        ("smtp://user:geheim@h:0", "port"),
        ("smtp://user:geheim@[h", "not a URI"),
        ("smtp://user:geheim@/", "host"),
        ("smtp://user:geheim@h/?tls=maybe", "extra.tls|tls: 'maybe' is not one of"),
        ("smtp://user:geheim@h/?conections=3", "extra.conections: is not an option"),
        ("smtp://user:geheim@h/?connections=many", "connections"),
        ("smtp://user:geheim@h/?connections=0", "connections: 0 is not between"),
        ("smtp://user:geheim@h/?timeout=-1", "timeout"),
        ("smtp://user:geheim@h/?timeout=nan", "timeout"),
        ("smtp://user:geheim@h/?max_messages_per_second=0", "max_messages_per_second"),
        ("smtp://user:geheim@h/?verify=perhaps", "verify"),
        ("smtp://user:geheim@h/?ca_file=/no/such/file.pem", "ca_file"),
        ("smtp://user:geheim@h/?__extra__=nojson", "extra: is not valid JSON"),
        ("smtp://:geheim@h/", "login"),
        ("smtps://user:geheim@h/?tls=starttls", "smtps means TLS"),
        ("smtp://user:geheim@h%20x/", "host"),
        ("smtp://user%00:geheim@h/", "NUL"),
        ("{", "not valid JSON"),
        ('{"host": "h", "password": "geheim", "login": "u", "hots": 1}', "hots"),
        ('{"host": "h", "password": 5}', "password: is not a text"),
        ('{"password": "geheim", "login": "u"}', "host: is missing"),
        ('{"host": "h", "extra": "geheim"}', "extra: is not valid JSON"),
        ('{"host": "h", "extra": [1]}', "extra: is not a JSON object"),
        ('{"host": "h", "port": true}', "port"),
    ],
)
def test_a_mistake_is_named_and_the_password_is_not(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        smtp_settings_from_connection_uri(text)
    assert str(caught.value).startswith("AIRFLOW_CONN_SES_SMTP: ")
    assert "geheim" not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None


def test_the_password_is_not_in_the_settings_repr() -> None:
    assert "p@ss" not in repr(FULL)
