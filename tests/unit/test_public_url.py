"""SES_PUBLIC_URL: the address that links in mails begin with."""

from __future__ import annotations

import pytest

from ses_ops import settings
from ses_ops.errors import InvalidInput


@pytest.fixture(autouse=True)
def _without_airflow_cfg(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONFIG", str(tmp_path / "airflow.cfg"))
    monkeypatch.delenv("SES_PUBLIC_URL", raising=False)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://mail.example.com", "https://mail.example.com"),
        ("https://mail.example.com/", "https://mail.example.com"),
        (" https://mail.example.com:8443/feedback/ ", "https://mail.example.com:8443/feedback"),
        ("http://127.0.0.1:8070", "http://127.0.0.1:8070"),
        ("https://a.example/" + "x" * 800, "https://a.example/" + "x" * 800),
    ],
)
def test_is_the_address_without_a_slash_at_the_end(monkeypatch, given, url):
    monkeypatch.setenv("SES_PUBLIC_URL", given)
    assert settings.public_url() == url


def test_is_none_where_nobody_has_set_it():
    assert settings.public_url() is None


def test_can_stand_in_airflow_cfg(monkeypatch):
    monkeypatch.setenv("AIRFLOW__SES_OPS__PUBLIC_URL", "https://cfg.example.com")
    assert settings.public_url() == "https://cfg.example.com"


@pytest.mark.parametrize(
    "given",
    [
        *("mail.example.com", "ftp://mail.example.com", "https://", "https://user@mail.example.com"),
        *("https://mail.example.com/?a=b", "https://mail.example.com/#x", "https://mail.example.com/a b"),
        *("https://mail.example.com/\r\nBcc: x@y.z", "https://münchen.example", "https://mail.example.com/a=b"),
        "https://a.example/" + "x" * 900,
    ],
)
def test_what_could_not_stand_in_a_mail_is_refused(monkeypatch, given):
    monkeypatch.setenv("SES_PUBLIC_URL", given)
    with pytest.raises(InvalidInput) as refused:
        settings.public_url()
    assert refused.value.code == "not_a_public_url"
