"""deploy/make-env.sh makes an .env that compose takes, with secrets that nobody else has."""

from __future__ import annotations

import json
import stat
import subprocess

import pytest
from cryptography.fernet import Fernet
from dotenv import dotenv_values


@pytest.fixture
def make_env(repository):
    def run(target):
        return subprocess.run(
            ["sh", str(repository / "deploy" / "make-env.sh"), str(target)], capture_output=True, text=True, check=False
        )

    return run


def test_every_secret_is_generated_anew_and_only_its_owner_can_read_it(make_env, tmp_path, filled):
    files = [tmp_path / "first.env", tmp_path / "second.env"]
    for file in files:
        assert make_env(file).returncode == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = (dotenv_values(file) for file in files)
    for name in filled:
        assert len(first[name]) >= 24, name
        assert first[name] != second[name], f"{name} is the same twice"


def test_the_generated_keys_have_the_form_that_airflow_needs(make_env, tmp_path):
    make_env(tmp_path / ".env")
    values = dotenv_values(tmp_path / ".env")
    Fernet(values["SES_FERNET_KEY"])
    assert set(json.loads(values["SES_WEB_PASSWORDS"])) == {"admin"}
    # These stand in connection URIs as they are.
    assert all(values[name].isalnum() for name in values if name.endswith("_PASSWORD"))


def test_compose_takes_the_file_as_it_is(make_env, tmp_path, compose):
    make_env(tmp_path / ".env")
    services = compose(environment={}, env_file=tmp_path / ".env")["services"]
    values = dotenv_values(tmp_path / ".env")
    assert services["scheduler"]["environment"]["AIRFLOW__CORE__FERNET_KEY"] == values["SES_FERNET_KEY"]
    assert set(json.loads(services["api-server"]["environment"]["SES_WEB_PASSWORDS"])) == {"admin"}


def test_an_env_file_that_exists_is_never_overwritten(make_env, tmp_path):
    file = tmp_path / ".env"
    file.write_text("SES_FERNET_KEY=precious\n")
    result = make_env(file)
    assert result.returncode != 0
    assert str(file) in result.stderr
    assert file.read_text() == "SES_FERNET_KEY=precious\n"
