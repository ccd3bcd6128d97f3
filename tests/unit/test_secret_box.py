"""Secrets at rest are encrypted with Airflow's Fernet key, which is found as Airflow finds it, without Airflow."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from ses_ops.application.secret_box import VARIABLE, SecretBox
from ses_ops.errors import NotSetUp, SesError

FORMER, PRESENT = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An Airflow of its own: no variable, and airflow.cfg in a folder of the test."""
    for name in (VARIABLE, VARIABLE + "_CMD", VARIABLE + "_SECRET", "AIRFLOW_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("SES_HOME", str(tmp_path / "none"))
    monkeypatch.delitem(sys.modules, "airflow.configuration", raising=False)
    return tmp_path


def test_a_box_opens_with_the_key_of_the_environment(home, monkeypatch):
    monkeypatch.setenv(VARIABLE, PRESENT)
    box = SecretBox.of_airflow().close(b"word")
    assert b"word" not in box
    assert Fernet(PRESENT).decrypt(box) == b"word" == SecretBox.of_airflow().open(box)


def test_after_a_rotation_old_boxes_open_and_new_ones_have_the_first_key(home, monkeypatch):
    old = SecretBox(FORMER).close(b"word")
    monkeypatch.setenv(VARIABLE, f"{PRESENT},{FORMER}")
    both = SecretBox.of_airflow()
    assert both.open(old) == b"word"
    assert SecretBox(PRESENT).open(both.close(b"new")) == b"new"


def test_a_box_of_a_key_that_is_gone_says_so(home, monkeypatch):
    monkeypatch.setenv(VARIABLE, PRESENT)
    with pytest.raises(SesError) as caught:
        SecretBox.of_airflow().open(SecretBox(FORMER).close(b"word"))
    assert caught.value.code == "fernet_key_changed"
    assert "word" not in str(caught.value)


def test_airflow_cfg_has_the_key(home):
    (home / "airflow.cfg").write_text(f"[core]\nfernet_key = {PRESENT}\n")
    assert SecretBox.of_airflow().open(SecretBox(PRESENT).close(b"word")) == b"word"


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_command_prints_the_key(home, monkeypatch, place):
    (home / "key").write_text(PRESENT + "\n")
    command = f"cat '{home / 'key'}'"
    if place == "environment":
        monkeypatch.setenv(VARIABLE + "_CMD", command)
    else:
        (home / "airflow.cfg").write_text(f"[core]\nfernet_key_cmd = {command}\n")
    assert SecretBox.of_airflow().open(SecretBox(PRESENT).close(b"word")) == b"word"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (VARIABLE, "", "no_fernet_key"),
        (VARIABLE, "short", "fernet_key_not_usable"),
        (VARIABLE, ",", "fernet_key_not_usable"),
        (VARIABLE + "_CMD", "false", "setting_command_failed"),
        (VARIABLE + "_CMD", "no-such-program s3cret", "setting_command_failed"),
        (VARIABLE + "_SECRET", "core/fernet", "setting_in_secrets_backend"),
        ("AIRFLOW_NOTHING", "", "no_fernet_key"),
    ],
)
def test_without_a_usable_key_the_error_says_what_to_set(home, monkeypatch, name, value, code):
    monkeypatch.setenv(name, value)
    with pytest.raises(NotSetUp) as caught:
        SecretBox.of_airflow()
    assert caught.value.code == code
    assert VARIABLE in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_key_is_found_without_an_import_of_airflow(home, monkeypatch):
    monkeypatch.setenv(VARIABLE, PRESENT)
    code = (
        "import sys\nfrom ses_ops.application.secret_box import SecretBox\nSecretBox.of_airflow().close(b'word')\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'airflow']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
