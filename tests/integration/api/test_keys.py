"""Keys over HTTP: proved, limited, revoked at once; wrong ones tell nothing and are in no log."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from ses_ops.api import keys
from ses_ops.api.keys import KeyRing
from ses_ops.application.api_keys import revoke_key
from ses_ops.storage.connection import connected
from tests.actors import ANYBODY
from tests.integration.api.api_process import bearer, new_key, rows


def asked(client: httpx.Client) -> httpx.Response:
    """A request that needs a key, of a resource that there is not."""
    return client.get("/v1/key")


@pytest.fixture
def made(api_dsn, request):
    return new_key(api_dsn, request.node.name[:60])


def test_a_use_that_cannot_be_written_now_refuses_nobody_and_is_written_later(api_dsn, made, monkeypatch):
    monkeypatch.setattr(keys, "KEPT", 0.0)
    monkeypatch.setattr(keys, "NOTED_EVERY", 0.0)
    monkeypatch.setattr(keys, "PATIENCE", 60.0)

    def used():
        return rows(api_dsn, "SELECT last_used_at IS NOT NULL FROM api_key WHERE id = %s", made.key.id)[0][0]

    async def scene():
        ring = KeyRing(api_dsn)
        assert await ring.prove(made.key.id, made.secret)
        with connected(api_dsn) as conn, conn.cursor() as cursor:
            cursor.execute("LOCK TABLE api_key IN SHARE MODE")
            assert await ring.prove(made.key.id, made.secret), "its statement waits for three seconds, in vain"
        assert not used()
        assert await ring.prove(made.key.id, "wrong") is None
        assert used()
        await ring.close()

    asyncio.run(scene())


def test_a_new_key_is_taken_at_once_and_a_revoked_one_is_refused_at_once(api, api_dsn, made):
    with api.client(made) as client:
        assert asked(client).status_code == 200
        with connected(api_dsn) as conn:
            revoke_key(conn, ANYBODY, made.key.id)
        began, status = time.monotonic(), 200
        while status != 401:
            status = asked(client).status_code
            assert time.monotonic() - began < 60
            time.sleep(0.02)
        again = new_key(api_dsn, made.key.name)
        assert httpx.get(api.url + "/v1/key", headers={"Authorization": bearer(again)}, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "api_key_missing"),
        ("", "api_key_missing"),
        ("Bearer", "api_key_missing"),
        ("Basic {id}:{secret}", "api_key_missing"),
        ("Bearer {id}", "api_key_missing"),
        ("Bearer {id}:", "api_key_wrong"),
        ("Bearer {id}:{wrong}", "api_key_wrong"),
        ("Bearer {id}:{secret}x", "api_key_wrong"),
        ("Bearer {unknown}:{secret}", "api_key_wrong"),
        ("Bearer {id}':{secret}", "api_key_wrong"),
        ("Bearer \u00e9:\u00e9", "api_key_wrong"),
    ],
)
def test_without_its_secret_nobody_has_a_key(api, made, header, code):
    words = {"id": made.key.id, "secret": made.secret, "wrong": "x" * 32, "unknown": "AKID" + "x" * 32}
    headers = {} if header is None else {"Authorization": header.format(**words).encode("latin-1")}
    answer = httpx.get(api.url + "/v1/key", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["hint"]
    assert made.secret not in api.log


def test_a_key_in_the_address_is_no_key(api, made):
    answer = httpx.get(api.url + "/v1/key", params={"key": f"{made.key.id}:{made.secret}"}, timeout=30)
    assert answer.status_code == 401
    assert made.secret not in api.log


def test_the_answer_says_what_the_key_may(api, made):
    with api.client(made) as client:
        said = asked(client).json()
    assert said == {
        "id": made.key.id,
        "name": made.key.name,
        "scopes": ["manage"],
        "domains": ["*"],
        "per_second": 4000,
    }


def test_a_key_over_its_limit_is_told_when_to_come_again_and_others_are_not(api, api_dsn, made):
    slow = new_key(api_dsn, "slow", per_second=3)
    with api.client(slow) as client, api.client(made) as other:
        answers = [asked(client) for _ in range(12)]
        refused = [one for one in answers if one.status_code == 429]
        assert refused
        assert answers[0].status_code == 200
        assert int(refused[0].headers["retry-after"]) >= 1
        assert refused[0].headers["ratelimit-limit"] == "3"
        assert refused[0].headers["ratelimit-remaining"] == "0"
        assert refused[0].json()["code"] == "too_many_requests"
        assert asked(other).status_code == 200
        time.sleep(int(refused[0].headers["retry-after"]))
        assert asked(client).status_code == 200


def test_the_log_has_the_key_and_the_route_and_neither_secret_nor_path(api, made):
    with api.client(made) as client:
        asked(client)
        client.get("/v1/anna@example.com?to=anna@example.com")
    assert f"{made.key.id} GET /v1/key 200" in api.log
    assert "anna" not in api.log
    assert made.secret not in api.log


def test_the_last_use_is_on_show_when_the_process_has_ended(api_dsn, tmp_path):
    from tests.integration.api.api_process import ApiProcess

    made = new_key(api_dsn, "ending")
    copy = ApiProcess(dsn=api_dsn, spool=tmp_path / "home")
    copy.start()
    try:
        with copy.client(made) as client:
            assert asked(client).status_code == 200
        copy.stop()
    finally:
        copy.kill()
    assert rows(api_dsn, "SELECT last_used_at IS NOT NULL FROM api_key WHERE id = %s", made.key.id) == [(True,)]
