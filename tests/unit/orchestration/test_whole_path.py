"""The path of a request has the prefix of Airflow's base URL, whether the proxy has taken it off or not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ses_ops.orchestration.whole_path import WholePathMiddleware


def seen(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope as it is passed on."""
    found: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)

    asyncio.run(WholePathMiddleware(app)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


def request(path: str, root: str) -> dict[str, Any]:
    return {"type": "http", "path": path, "raw_path": path.encode(), "root_path": root}


@pytest.mark.parametrize(
    ("path", "root", "whole"),
    [
        ("/ses/tasks", "", "/ses/tasks"),
        ("/ses/tasks", "/mail", "/mail/ses/tasks"),
        ("/mail/ses/tasks", "/mail", "/mail/ses/tasks"),
        ("/", "/mail", "/mail/"),
        ("/mail", "/mail", "/mail"),
        ("/mail/", "/mail", "/mail/"),
        ("/mailing/ses", "/mail", "/mail/mailing/ses"),
        ("/a/ses", "/a/b", "/a/b/a/ses"),
        ("/a/b/ses", "/a/b", "/a/b/ses"),
    ],
)
def test_the_prefix_is_there_once(path, root, whole):
    given = request(path, root)
    found = seen(given)
    assert (found["path"], found["raw_path"]) == (whole, whole.encode())
    assert given == request(path, root), "the scope of the server was changed"


def test_what_is_encoded_stays_encoded():
    given = {"type": "http", "path": "/run/a+b/ü", "raw_path": b"/run/a%2Bb/%C3%BC", "root_path": "/mäil"}
    found = seen(given)
    assert (found["path"], found["raw_path"]) == ("/mäil/run/a+b/ü", b"/m%C3%A4il/run/a%2Bb/%C3%BC")


def test_a_server_without_raw_paths_is_served_too():
    given = {"type": "http", "path": "/ses", "root_path": "/mail"}
    assert seen(given) == {"type": "http", "path": "/mail/ses", "root_path": "/mail"}


def test_the_start_of_the_server_has_no_path():
    given = {"type": "lifespan", "root_path": "/mail"}
    assert seen(given) is given
