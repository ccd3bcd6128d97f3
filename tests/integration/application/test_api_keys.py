"""Keys of programs: made, found, revoked; what PostgreSQL and the audit log keep of them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from cryptography.fernet import Fernet

from ses_ops.application.api_keys import create_key, find_key, list_keys, revoke_key, secret_hash
from ses_ops.application.ports import Actor
from ses_ops.application.secret_box import VARIABLE, SecretBox
from ses_ops.domain.api_key import Scope, is_key_id, is_secret
from ses_ops.errors import Conflict, InvalidInput, NotFound, NotSetUp
from ses_ops.storage.access import api_keys
from ses_ops.storage.connection import transaction
from tests.actors import ANYBODY


@pytest.fixture(autouse=True)
def fernet_key(monkeypatch):
    monkeypatch.setenv(VARIABLE, Fernet.generate_key().decode())


class Entries:
    """An audit log in a list."""

    def __init__(self):
        self.all = []

    @contextmanager
    def recorded(self, who, action, *, task=None, **details):
        facts = dict(details)
        yield facts
        self.all.append((who, action, facts))


def test_a_key_is_made_with_a_secret_that_is_only_here(ses_conn):
    log = Entries()
    key, secret = create_key(ses_conn, Actor(name="ann", audit=log), " shop ", ["send"], ["Codes.Example.COM"], 50)
    assert is_key_id(key.id)
    assert is_secret(secret)
    assert (key.name, key.scopes, key.domains, key.per_second) == (
        *("shop", {Scope.SEND}, {"codes.example.com"}),
        50,
    )
    with transaction(ses_conn):
        (found,) = api_keys.credentials(ses_conn)
    assert bytes(found.secret_hash) == secret_hash(secret)
    assert SecretBox.of_airflow().open(found.secret_box) == secret.encode()
    assert secret not in repr(found) + repr(log.all) + repr(list_keys(ses_conn))
    assert log.all == [
        ("ann", "create_api_key", {"key": key.id, "name": "shop", "scopes": ["send"], "domains": ["codes.example.com"]})
    ]


def test_two_keys_share_nothing(ses_conn):
    one, other = (create_key(ses_conn, ANYBODY, name, ["read"], ["*"]) for name in ("one", "other"))
    assert one.key.id != other.key.id
    assert one.secret != other.secret


def test_a_name_is_free_again_when_its_key_is_revoked(ses_conn):
    first = create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    with pytest.raises(Conflict) as caught:
        create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    assert caught.value.code == "api_key_name_taken"
    assert revoke_key(ses_conn, ANYBODY, "shop").changed
    again = create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    assert find_key(ses_conn, "shop").id == again.key.id
    assert [one.id for one in list_keys(ses_conn)] == [again.key.id, first.key.id]


def test_a_revoked_key_proves_nothing_and_stays_on_show(ses_conn):
    made = create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    revoke_key(ses_conn, ANYBODY, made.key.id)
    assert not revoke_key(ses_conn, ANYBODY, made.key.id).changed
    with transaction(ses_conn):
        assert api_keys.credentials(ses_conn) == []
    shown = find_key(ses_conn, made.key.id)
    assert shown.revoked_at is not None
    assert shown.revoked_by == "ann"


@pytest.mark.parametrize(
    ("name", "scopes", "domains", "per_second", "code"),
    [
        ("", ["send"], ["*"], None, "api_key_name_not_usable"),
        ("a\nb", ["send"], ["*"], None, "api_key_name_not_usable"),
        ("a" * 64, ["send"], ["*"], None, "api_key_name_not_usable"),
        ("shop", [], ["*"], None, "api_key_scopes_not_usable"),
        ("shop", ["admin"], ["*"], None, "api_key_scopes_not_usable"),
        ("shop", ["send"], [], None, "api_key_domains_not_usable"),
        ("shop", ["send"], ["*", "mail.example.com"], None, "api_key_domains_not_usable"),
        ("shop", ["send"], ["not a domain"], None, None),
        ("shop", ["send"], ["*"], 0, "api_key_per_second_not_usable"),
    ],
)
def test_what_is_no_key_is_refused_and_nothing_is_written(ses_conn, name, scopes, domains, per_second, code):
    with pytest.raises(InvalidInput) as caught:
        create_key(ses_conn, ANYBODY, name, scopes, domains, per_second)
    assert code is None or caught.value.code == code
    assert list_keys(ses_conn) == []


def test_without_a_fernet_key_no_key_is_made(ses_conn, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(NotSetUp):
        create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    assert list_keys(ses_conn) == []


def test_an_unknown_key_is_not_found(ses_conn):
    with pytest.raises(NotFound):
        revoke_key(ses_conn, ANYBODY, "nobody")


def test_the_last_use_is_written_at_most_once_a_minute(ses_conn):
    made = create_key(ses_conn, ANYBODY, "shop", ["send"], ["*"])
    with transaction(ses_conn):
        assert api_keys.note_used(ses_conn, [made.key.id]) == 1
        assert api_keys.note_used(ses_conn, [made.key.id]) == 0
    assert find_key(ses_conn, "shop").last_used_at is not None


def test_domains_that_a_valid_key_for_sending_names(ses_conn):
    for name, scopes, domains in (
        ("a", ["send"], ["b.example", "a.example"]),
        ("b", ["manage"], ["a.example"]),
        ("c", ["read"], ["c.example"]),
        ("d", ["send"], ["*"]),
        ("e", ["send"], ["e.example"]),
    ):
        create_key(ses_conn, ANYBODY, name, scopes, domains)
    revoke_key(ses_conn, ANYBODY, "e")
    with transaction(ses_conn):
        assert api_keys.sending_domains(ses_conn) == ["a.example", "b.example"]
