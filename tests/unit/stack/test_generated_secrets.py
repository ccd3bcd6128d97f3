"""Secrets are made once, for their owner alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from ses_ops.stack.airflow_environment import USERS, component_environment, further_users
from ses_ops.stack.generated_secrets import load_or_generate
from ses_ops.stack.places import Places


def test_they_are_made_once_and_differ_between_places(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    made = load_or_generate(first)
    assert load_or_generate(first) == made
    assert load_or_generate(second).jwt_secret != made.jwt_secret
    Fernet(made.fernet_key)


def test_nobody_else_can_read_them_and_no_repr_shows_them(tmp_path: Path) -> None:
    made = load_or_generate(tmp_path)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert made.web_password not in repr(made)


def test_a_password_that_a_person_wrote_is_kept(tmp_path: Path) -> None:
    (tmp_path / "web_password").write_text("my own\n")
    made = load_or_generate(tmp_path)
    assert made.web_password == "my own"
    assert json.loads(made.web_passwords_file.read_text()) == {"admin": "my own"}


def test_further_users_keep_their_passwords_whoever_starts(tmp_path: Path) -> None:
    """What Airflow finds in the file it neither makes anew nor prints."""
    environment = {USERS: "admin:admin, ann:viewer,bob:op"}
    users = further_users(environment)
    assert users == ["ann", "bob"]
    first = json.loads(load_or_generate(tmp_path, users).web_passwords_file.read_text())
    assert set(first) == {"admin", "ann", "bob"}
    assert len(set(first.values())) == 3
    without = json.loads(load_or_generate(tmp_path).web_passwords_file.read_text())
    assert without == first, "a user who was left out for once would come back with another password"
    assert json.loads(load_or_generate(tmp_path, users).web_passwords_file.read_text()) == first


def test_a_damaged_file_of_passwords_is_made_anew(tmp_path: Path) -> None:
    for damaged in ("{", "[1]", '{"ann": 3}'):
        (tmp_path / "web_passwords.json").write_text(damaged)
        assert set(json.loads(load_or_generate(tmp_path, ["ann"]).web_passwords_file.read_text())) == {"admin", "ann"}


def test_the_stacks_own_user_is_there_whatever_users_are_set(tmp_path: Path) -> None:
    """`make run` itself logs in as that one."""
    own = component_environment({USERS: "ann:viewer"}, {USERS: "admin:admin"}, Places(home=tmp_path))
    assert own[USERS] == "admin:admin,ann:viewer"
    assert further_users({}) == []
