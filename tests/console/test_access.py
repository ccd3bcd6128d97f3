"""Every route of the console and everybody who may ask for it: a route without a line in the table fails here."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from tests.console.access_lines import LINES
from tests.console.access_table import Line
from tests.console.console_world import OWN_PAGE, PREFIX

OTHER_SITE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def routes(console_app) -> dict[str, APIRoute]:
    """Every route of the application by "METHOD /path"."""
    from ses_ops.console.app import build_app

    found = {}
    for route in build_app().routes:
        assert isinstance(route, APIRoute), f"{route} is no route with dependencies: its login is not asked for"
        for method in route.methods:
            found[f"{method} {route.path}"] = route
    return found


def send(client, route: str, line: Line, headers: dict[str, str]):
    method = route.partition(" ")[0]
    content = {"data": line.form} if method in CHANGING else {}
    return client.http.request(method, PREFIX + line.path, headers=headers, **content)


def test_every_route_has_a_line_and_every_line_a_route(routes):
    assert set(routes) == set(LINES), "tests/console/access_table and the routes of the console differ"


def test_every_route_declares_the_rule_of_its_line(routes):
    from ses_ops.console.access import RULES

    names = {rule.__name__ for rule in RULES}
    for key, route in routes.items():
        declared = [name for one in route.dependencies if (name := one.dependency.__name__) in names]
        # The application's own: everybody must be logged in.
        extra = [name for name in declared if name != "signed_in"] or ["signed_in"]
        assert extra == [LINES[key].rule], key


def test_what_changes_something_is_no_get(routes):
    for key, line in LINES.items():
        if key.split(" ")[0] not in CHANGING:
            assert line.audited is line.exports, key
            assert not line.form, key


@pytest.mark.parametrize("route", sorted(LINES))
def test_everybody_gets_what_the_table_says(route, world, request):
    """All in one installation, the refused first: they leave it as it was, and so does whoever only looks."""
    world.seed("hello")
    line = LINES[route]
    changing = route.split(" ")[0] in CHANGING
    if changing:
        assert line.cross_site == 403
    answer = send(request.getfixturevalue("user"), route, line, OTHER_SITE)
    assert answer.status_code == line.cross_site, f"another site's page: {answer.text[:2000]}"
    for person in ("anonymous", "viewer", "user", "admin"):
        if person == "admin" and changing and line.user < 400:
            break
        check(route, person, world, request)


@pytest.mark.parametrize("route", sorted(key for key, line in LINES.items() if key.split(" ")[0] in CHANGING))
def test_an_administrator_may_change_what_the_table_says(route, world, request):
    """In an installation that nobody has changed before."""
    world.seed("hello")
    check(route, "admin", world, request)


def check(route: str, person: str, world, request) -> None:
    line = LINES[route]
    before = len(world.audit_log())
    answer = send(request.getfixturevalue(person), route, line, OWN_PAGE)
    assert answer.status_code == getattr(line, person), f"{person}: {answer.text[:2000]}"
    wrote = [row["owner"] for row in world.audit_log()[before:]]
    assert wrote == ([person] if line.audited and answer.status_code < 400 else []), f"the audit log of {person}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://console.example.evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://console.example"}, 403),
        ({"Origin": "http://console.example"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
    ],
)
def test_a_change_must_come_from_our_own_page(headers, status, world, user):
    world.seed("hello")
    assert user.http.post(f"{PREFIX}/tasks/hello/pause", headers=headers).status_code == status


@pytest.mark.parametrize(
    "path", ["/openapi.json", "/docs", "/redoc", "/nothing", "/static/../app.py", "/static/%2e%2e"]
)
def test_nothing_else_is_served(path, world, admin):
    assert admin.get(path).status_code == 404


def test_every_answer_has_the_security_headers(world, anonymous, viewer):
    from ses_ops.console.headers import CONTENT_SECURITY_POLICY

    for answer in (
        anonymous.get("/tasks"),
        viewer.get("/tasks"),
        viewer.get("/nothing"),
        viewer.post("/tasks/x/pause"),
        viewer.get("/static/ses.js"),
    ):
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "public" not in answer.headers["cache-control"]


def test_an_error_is_a_page_without_a_traceback(world, viewer, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://u:secret-word@/none?host=/nonexistent")
    answer = viewer.get("/tasks")
    assert answer.status_code == 503
    assert "A server does not answer" in answer.text
    assert "Traceback" not in answer.text
    assert "secret-word" not in answer.text


def test_an_error_that_nobody_expected_is_a_page_with_the_headers_too(world, viewer, monkeypatch):
    monkeypatch.setattr("ses_ops.console.tasks.list.tasks_seen", lambda *_, **__: 1 / 0)
    answer = viewer.get("/tasks")
    assert answer.status_code == 500
    assert "Something went wrong in the console" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert "content-security-policy" in answer.headers
