"""The first key of `make run`: made and shown once; without the sample, how to make one."""

from __future__ import annotations

import re

import pytest
from cryptography.fernet import Fernet

from ses_ops.application.api_keys import list_keys, revoke_key
from ses_ops.application.secret_box import VARIABLE
from ses_ops.stack.api_service import first_key
from tests.actors import ANYBODY

ENV = {VARIABLE: Fernet.generate_key().decode()}


def test_it_is_shown_once_and_a_revoked_one_does_not_come_back(ses_dsn, ses_conn, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    (line,) = first_key(ses_dsn, ENV)
    assert re.fullmatch(r"API key   AKID\w{32}:\w{32}  \(shown this once; it may do everything\)", line)
    assert first_key(ses_dsn, ENV) == []
    (key,) = list_keys(ses_conn)
    assert (key.name, key.scopes, key.domains) == ("first", ["manage"], ["*"])
    revoke_key(ses_conn, ANYBODY, key.id)
    assert first_key(ses_dsn, ENV) == []


@pytest.mark.parametrize("sample", ["off", "OFF"])
def test_without_the_sample_there_is_none_and_the_line_says_how_to_make_one(ses_dsn, ses_conn, monkeypatch, sample):
    monkeypatch.setenv("SES_SAMPLE", sample)
    (line,) = first_key(ses_dsn, ENV)
    assert "ses key create NAME --scope send" in line
    assert list_keys(ses_conn) == []
