"""Entity tags: the same object has the same one, a change another; conditions are looked at as RFC 9110 says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from starlette.requests import Request

from ses_ops.api.rest.answers import answer, encoded, etag_of, require_absent, require_match
from ses_ops.api.rest.errors import PreconditionFailed

VALUE = {"name": "spring", "at": datetime(2026, 11, 30, 9, tzinfo=UTC)}
TAG = etag_of(encoded(VALUE))


def asked(method="GET", **headers):
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "headers": given, "query_string": b""})


def test_an_object_is_answered_as_json_with_its_tag():
    response = answer(asked(), VALUE)
    assert response.status_code == 200
    assert json.loads(response.body) == {"name": "spring", "at": "2026-11-30T09:00:00Z"}
    assert response.headers["etag"] == TAG
    assert response.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("header", [TAG, f"W/{TAG}", f'"other", {TAG}', "*"])
def test_what_the_client_has_is_not_sent_again(header):
    response = answer(asked(if_none_match=header), VALUE)
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == TAG


@pytest.mark.parametrize("header", ['"other"', TAG.strip('"'), ""])
def test_what_the_client_does_not_have_is_sent(header):
    assert answer(asked(if_none_match=header), VALUE).status_code == 200


def test_a_change_of_another_state_is_refused():
    require_match(asked("PUT"), VALUE)
    require_match(asked("PUT", if_match=TAG), VALUE)
    require_match(asked("PUT", if_match="*"), VALUE)
    for header, present in ((f"W/{TAG}", VALUE), ('"other"', VALUE), (TAG, {**VALUE, "name": "autumn"}), ("*", None)):
        with pytest.raises(PreconditionFailed):
            require_match(asked("PUT", if_match=header), present)


def test_what_is_there_is_not_made_a_second_time():
    require_absent(asked("PUT", if_none_match="*"), None)
    require_absent(asked("PUT"), VALUE)
    with pytest.raises(PreconditionFailed):
        require_absent(asked("PUT", if_none_match="*"), VALUE)


def test_moments_are_in_utc_and_spans_in_seconds():
    tokyo = timezone(timedelta(hours=9))
    made = json.loads(encoded([datetime(2026, 1, 1, 9, tzinfo=tokyo), timedelta(hours=1), {"b", "a"}]))
    assert made == ["2026-01-01T00:00:00Z", 3600.0, ["a", "b"]]
