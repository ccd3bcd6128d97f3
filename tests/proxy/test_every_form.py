"""Every route of the console that changes something: behind the proxy, with the form of the table of access."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx
import pytest

from tests.console.access_lines import LINES
from tests.console.console_world import visible_text

CHANGES = {key: line for key, line in LINES.items() if not key.startswith("GET ")}


def headers(behind: Any) -> dict[str, str]:
    """What a browser says of a form of our own page: an older one nothing but the origin."""
    fetch = {} if behind.prefix == "/mail" else {"Sec-Fetch-Site": "same-origin"}
    return {"Origin": behind.origin, **fetch}


@pytest.mark.parametrize("route", sorted(CHANGES))
def test_a_form_is_taken_and_leads_on(route, world, behind):
    world.seed("hello")
    line = CHANGES[route]
    with behind.client() as client:
        answer = client.post(behind.console + line.path, data=line.form, headers=headers(behind))
        assert answer.status_code == line.admin, visible_text(answer.text)[:1000]
        if answer.status_code == 303:
            assert answer.headers["location"].startswith(f"{behind.console}/")
            follow(client, behind, answer)


def follow(client: Any, behind: Any, answer: Any) -> None:
    """The next page is there, says what was done, and takes the cookie with it away."""
    flash = answer.headers.get("set-cookie", "")
    cookie = re.match(r"ses_flash=([^;]*)", flash)
    both = client.headers["Cookie"] + (f"; ses_flash={cookie[1]}" if cookie else "")
    shown = client.get(answer.headers["location"], headers={"Cookie": both})
    assert shown.status_code == 200
    if cookie:
        assert f"Path={behind.console};" in flash
        assert "Secure" in flash
        _, text = json.loads(base64.urlsafe_b64decode(cookie[1].strip('"')))
        assert " ".join(text.split())[:60] in visible_text(shown.text)
        assert f"Path={behind.console};" in shown.headers["set-cookie"]


@pytest.mark.parametrize(
    "foreign", ["https://evil.example", "https://intern.example.evil.example", "http://other.example", "null"]
)
def test_a_form_of_another_site_is_refused(foreign, world, behind):
    world.seed("hello")
    with behind.client() as client:
        answer = client.post(f"{behind.console}/tasks/hello/pause", headers={"Origin": foreign})
    assert answer.status_code == 403


def test_a_proxy_that_passes_on_another_host_is_no_other_site(world, kept):
    """The request says 127.0.0.1 and http; the origin is that of Airflow's base URL."""
    world.seed("hello")
    with kept.client() as client:
        cookie = client.headers["Cookie"]
    url = f"http://127.0.0.1:{kept.airflow.port}{kept.console}/tasks/hello/pause"
    for origin, status in (("https://intern.example", 303), ("http://intern.example", 403)):
        answer = httpx.post(url, headers={"Origin": origin, "Cookie": cookie}, trust_env=False, timeout=30)
        assert answer.status_code == status, origin


@pytest.mark.parametrize("megabytes", [1, 25])
def test_a_file_larger_than_what_a_proxy_takes_by_itself_is_uploaded(megabytes, world, kept):
    value = "x" * 2_000
    rows = megabytes * 1024 * 1024 // 2_050
    data = "email,name\n" + "".join(f"person-{row:09}@customers.example,{value}\n" for row in range(rows))
    with kept.client() as client:
        answer = client.post(
            f"{kept.console}/new-group",
            data={"name": "large"},
            files={"file": ("large.csv", data.encode(), "text/csv")},
            headers=headers(kept),
        )
        assert answer.status_code == 303, visible_text(answer.text)[:1000]
        assert client.get(answer.headers["location"]).status_code == 200
    assert world.rows("SELECT count(*) FROM recipient") == [(rows,)]
