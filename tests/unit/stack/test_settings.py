"""What the environment says, and one readable line for what it says wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ses_ops import settings
from ses_ops.cli.hints import hint
from ses_ops.errors import InvalidInput, SesError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SES_DB_PORT", "SES_WEB_PORT", "SES_WEB_HOST", "SES_TEMPLATES", settings.SES_DB, settings.SES_SMTP):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SES_HOME", str(tmp_path))


@pytest.mark.parametrize("wrong", ["0", "65536", "-1", "http", "80.5", "٣"])
def test_a_port_that_is_none_names_the_setting(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SES_WEB_PORT", wrong)
    with pytest.raises(InvalidInput, match=r"^SES_WEB_PORT: "):
        settings.web_port()


def test_an_empty_setting_means_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_WEB_PORT", "")
    monkeypatch.setenv("SES_DB_PORT", " ")
    assert (settings.web_port(), settings.db_port()) == (8080, None)


def test_a_relative_home_is_read_from_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SES_HOME", "data/../here")
    assert settings.ses_home() == tmp_path / "here"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p%40@h:5433/ses?sslmode=require", "postgresql://u:p%40@h:5433/ses?sslmode=require"),
        ("postgresql://ses@/ses?host=%2Ftmp%2Fx&port=5432", "postgresql://ses@/ses?host=%2Ftmp%2Fx&port=5432"),
        ("postgresql://%2Ftmp%2Fx/ses", "postgresql://%2Ftmp%2Fx/ses"),
        ('{"conn_type": "postgres", "host": "::1", "schema": "ses", "port": 5432}', "postgresql://[::1]:5432/ses"),
        (
            '{"conn_type": "postgres", "login": "u", "password": "a/b", "host": "h", "schema": "s", '
            '"extra": "{\\"sslmode\\": \\"prefer\\", \\"cursor\\": \\"dictcursor\\"}"}',
            "postgresql://u:a%2Fb@h/s?sslmode=prefer",
        ),
    ],
)
def test_an_airflow_connection_becomes_a_libpq_uri(given: str, expected: str) -> None:
    assert settings.libpq_uri(given) == expected


@pytest.mark.parametrize(
    "wrong", ["mysql://h/d", "postgres://h", "nothing", "postgres://u:secret@h:x/d", "{", '{"conn_type": 1}', "[]"]
)
def test_a_database_that_cannot_be_used_names_the_setting_and_hides_the_password(wrong: str) -> None:
    with pytest.raises(InvalidInput, match=r"^AIRFLOW_CONN_SES_DB") as raised:
        settings.libpq_uri(wrong)
    assert "secret" not in str(raised.value)


def test_without_a_stack_or_a_setting_the_error_says_what_to_do() -> None:
    with pytest.raises(SesError, match=r"^no database: nothing runs in SES_HOME") as no_database:
        settings.db_dsn()
    with pytest.raises(SesError, match=r"^no mail server: nothing runs in SES_HOME") as no_server:
        settings.smtp_connection_uri()
    for problem, variable in ((no_database, "AIRFLOW_CONN_SES_DB"), (no_server, "AIRFLOW_CONN_SES_SMTP")):
        assert "`make run`" in hint(problem.value)
        assert variable in hint(problem.value)


def test_the_environment_wins_over_the_running_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = {"db_dsn": "postgresql://a/b", "airflow_db_dsn": "x", "smtp_uri": "smtp://h", "web_url": "http://h"}
    (tmp_path / "stack.json").write_text(json.dumps({**stack, "of a later version": 1}))
    assert settings.db_dsn() == "postgresql://a/b"
    monkeypatch.setenv(settings.SES_DB, "postgres://c/d")
    assert settings.db_dsn() == "postgresql://c/d"


def test_a_broken_description_of_the_stack_is_one_readable_error(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(SesError, match=r"stack\.json cannot be read"):
        settings.running_stack()
