"""Every route of the console that only shows something: behind the proxy, by its address in the table of access."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.access_lines import LINES
from tests.proxy.links import addresses

#: By route: where a GET leads and what an administrator gets.
SHOWN = {key: line for key, line in LINES.items() if key.startswith("GET ")}


@pytest.fixture
def seeded(world: Any) -> Any:
    """Groups, send tasks in several states, a suppressed address: pages with something to link to."""
    world.seed("hello", count=30)
    world.seed("spring")
    world.outcome("spring", sent=6, failed=2, unknown=2)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES ('bob@example.com', 'bob@example.com', 'manual')"
    )
    return world


def test_every_page_answers_and_leads_nowhere_but_below_the_prefix(seeded, behind):
    wrong: list[str] = []
    to_follow: dict[str, str] = {}
    with behind.client() as client:
        for key, line in sorted(SHOWN.items()):
            answer = client.get(behind.console + line.path)
            if answer.status_code != line.admin:
                wrong.append(f"{key}: {answer.status_code}")
            leads = [answer.headers["location"]] if "location" in answer.headers else []
            if answer.headers.get("content-type", "").startswith("text/html"):
                found = addresses(answer.text)
                leads += [address for _, address in found]
                to_follow |= {address: key for name, address in found if is_whole(name)}
            wrong += [f"{key} leads to {one}" for one in leads if not one.startswith(f"{behind.prefix}/")]
        for address, key in to_follow.items():
            status = client.get(address).status_code
            if status >= 400 and status != 422:
                wrong.append(f"{key} leads to {address}: {status}")
    assert not wrong, "\n".join(wrong)
    assert len(to_follow) > 100


def is_whole(name: str) -> bool:
    """Whether it is whole: a form adds its fields, and a script the number of an import."""
    return name in ("href", "src", "data-live")


def test_a_browser_shows_every_page_and_has_nothing_to_complain_of(seeded, behind, page):
    """Style, script, pictures and whatever a page asks for by itself come from below the prefix, too."""
    wrong: list[str] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "requestfailed",
        lambda request: None if is_left(request) else wrong.append(f"{page.url}: {request.url} {request.failure}"),
    )
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("console", lambda message: wrong.append(f"{page.url}: {message.text}") if is_complaint(message) else None)
    page.on(
        "response", lambda found: wrong.append(f"{page.url}: {found.url} {found.status}") if is_bad(found) else None
    )
    pages = [(key, line) for key, line in sorted(SHOWN.items()) if not is_file(key)]
    for key, line in pages:
        answer = page.goto(behind.origin + behind.console + line.path)
        if answer.status not in (line.admin, 200):
            wrong.append(f"{key}: {answer.status}")
        if "/live/" not in key and not page.locator("h1").count() and answer.status == 200 and "static" not in key:
            wrong.append(f"{key}: no heading")
    outside = {url for url in asked if not url.startswith((f"{behind.base_url}/", "data:"))}
    assert not wrong, "\n".join(wrong)
    assert not outside
    assert len(pages) > 50


def is_file(key: str) -> bool:
    """Whether the answer is a file to be saved, or a mail to be shown in a frame, which has no page around it."""
    return key.endswith((".csv", "/export", "/group-sample", "/html", "/mail"))


def is_left(request: Any) -> bool:
    """Whether a page that moves by itself was left while it asked for what is new."""
    return "/live/" in request.url and request.failure == "net::ERR_ABORTED"


def is_complaint(message: Any) -> bool:
    return message.type == "error" and "the server responded with a status of" not in message.text


def is_bad(found: Any) -> bool:
    """The answer to something that a page asked for by itself; the page's own status is looked at."""
    return found.status >= 400 and not found.request.is_navigation_request()


def test_the_browser_speaks_http_2_where_the_proxy_offers_it(behind, page, world):
    page.goto(f"{behind.base_url}/ses/")
    spoken = page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
    assert spoken == ("h2" if behind.prefix == "/mail" else "http/1.1")
