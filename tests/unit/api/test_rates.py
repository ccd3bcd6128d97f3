"""Limits of requests by key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from ses_ops.api import rates
from ses_ops.api.problems import Refusal
from ses_ops.api.rates import Buckets, KeyRates
from ses_ops.domain.api_key import ApiKey, Scope

KEY = ApiKey(id="AKID" + "a" * 32, name="shop", scopes=frozenset({Scope.SEND}), domains=frozenset("*"), per_second=5)


@given(st.integers(1, 50), st.lists(st.floats(0, 0.5), max_size=200))
def test_no_more_requests_pass_than_the_limit_allows_in_any_time(per_second, pauses):
    now = 1_000.0
    passed = []
    buckets = Buckets()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rates.time, "monotonic", lambda: now)
        for pause in pauses:
            now += pause
            if buckets.take("key", per_second).allowed:
                passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= per_second * (1 + passed[last] - passed[first]) + 1e-6


def test_a_client_that_waits_as_it_is_told_passes(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(rates.time, "monotonic", lambda: now)
    buckets = Buckets()
    while (state := buckets.take("key", 7)).allowed:
        pass
    now += state.wait
    assert buckets.take("key", 7).allowed


def test_the_limit_of_one_key_is_not_that_of_another(monkeypatch):
    monkeypatch.setattr(rates.time, "monotonic", lambda: 1_000.0)
    buckets = Buckets()
    while buckets.take("one", 2).allowed:
        pass
    assert buckets.take("other", 2).allowed


def test_requests_at_the_same_time_are_limited_and_end(monkeypatch):
    monkeypatch.setattr(rates, "MOST_AT_ONCE", 3)
    limits = KeyRates(4_000)
    requests = [Request({"type": "http", "headers": []}) for _ in range(4)]
    for request in requests[:3]:
        limits.take(KEY, request)
    with pytest.raises(Refusal) as caught:
        limits.take(KEY, requests[3])
    assert caught.value.status == 429
    assert rates.OWNER not in requests[3].scope  # so that its end counts nothing
    limits.ended(KEY.id)
    limits.take(KEY, requests[3])
