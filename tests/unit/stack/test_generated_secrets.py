"""Secrets are made once, for their owner alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from ses_ops.stack.generated_secrets import load_or_generate


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
