"""The console in a real browser: the API server on a port, Chromium, and one line for all looks of a page."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.airflow_environment import PREFIX as PATH_PREFIX
from tests.console.browser.chromium import axe_violations, chromium
from tests.console.console_world import PREFIX, token
from tests.proxy.nginx import Nginx
from tests.sizes import FULL

LOCALES = ("en-GB", "ja-JP")
#: Theme, width, and the language in which axe-core looks at them: with all four, any two of the three meet. (Whether
#: the page is too wide is asked in both languages.) In the dark theme axe-core looks at colours and layout alone.
ALL_LOOKS = (("light", 1280, "en-GB"), ("dark", 360, "ja-JP"), ("light", 360, "ja-JP"), ("dark", 1280, "en-GB"))
LOOKS = ALL_LOOKS if FULL else ALL_LOOKS[:2]
#: Nobody knows the authority of nginx's certificate: tests/proxy looks at that.
OF_EVERY_CONTEXT: dict[str, Any] = {"ignore_https_errors": bool(PATH_PREFIX)}


@pytest.fixture(scope="session")
def console_server(console_app: Any) -> Iterator[uvicorn.Server]:
    """The API server on a port; it uses the databases of the test that runs."""
    server = uvicorn.Server(uvicorn.Config(console_app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < end, "the API server does not start"
        time.sleep(0.05)
    yield server
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="session")
def direct_url(console_server: uvicorn.Server) -> str:
    """The address of the API server itself."""
    return "http://{}:{}".format(*console_server.servers[0].sockets[0].getsockname())


@pytest.fixture(scope="session")
def console_url(direct_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address at which a browser finds Airflow: with SES_BEHIND_PROXY that of nginx, with TLS and a prefix."""
    if not PATH_PREFIX:
        yield direct_url
        return
    # Of this machine by its number: the mailbox of `make run` is shown to nobody else.
    nginx = Nginx(
        tmp_path_factory.mktemp("nginx"),
        console=int(direct_url.rpartition(":")[2]),
        changes={"server_name intern.example;": "server_name 127.0.0.1;"},
    )
    try:
        nginx.start()
        yield f"https://127.0.0.1:{nginx.port}{PATH_PREFIX}"
    finally:
        nginx.stop()


@pytest.fixture(autouse=True)
def _answers_come_to_their_end(console_server: uvicorn.Server, world: Any) -> Iterator[None]:
    """A page that was closed may have asked for something: its databases are not taken away before that is answered."""
    yield
    end = time.monotonic() + 30
    while _is_busy(console_server):
        assert time.monotonic() < end, "the API server is still busy"
        time.sleep(0.01)


def _is_busy(server: uvicorn.Server) -> bool:
    """Whether something has been asked of it that it has not answered. A connection may stay for what is asked next."""
    state = server.server_state
    answers = [cycle for one in list(state.connections) if (cycle := getattr(one, "cycle", None)) is not None]
    return bool(state.tasks) or not all(cycle.response_complete for cycle in answers)


# Not for the session: while Playwright runs, its event loop is the thread's, and no other test could have one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def airflow_ui(browser: Any, console_url: str, world: Any) -> Iterator[Callable[[str], Any]]:
    """Opens a page of Airflow's own UI, around the console: `airflow_ui("/dags", "admin")`."""
    size = {"width": 1400, "height": 1000}
    context = browser.new_context(locale="en-GB", color_scheme="dark", viewport=size, **OF_EVERY_CONTEXT)

    def open_it(path: str, person: str = "user") -> Any:
        context.add_cookies([{"name": "_token", "value": token(person), "url": console_url}])
        page = context.new_page()
        # Airflow's UI wants the whole path of the page in its frame.
        page.goto(console_url + path.replace("/plugin/mail/", f"/plugin/mail{PATH_PREFIX}/"))
        return page

    yield open_it
    context.close()


@pytest.fixture
def open_page(browser: Any, console_url: str, world: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page of the console: `open_page("/tasks", "user", scheme="dark", locale="ja-JP", width=360)`.

    A message on the page's console (a script that fails, something that the policy stops) fails the test. `meets`: an
    error that the page itself asks for later, of which Chromium complains.
    """
    contexts: list[Any] = []
    complaints: list[str] = []
    expected: list[str] = []

    def open_it(
        path: str,
        person: str = "user",
        *,
        status: int = 200,
        scheme: str = "light",
        locale: str = "en-GB",
        width: int = 1280,
        meets: str = "status of 422",
        **more: Any,
    ) -> Any:
        context = browser.new_context(
            color_scheme=scheme,
            locale=locale,
            viewport={"width": width, "height": 800},
            timezone_id="Asia/Tokyo",
            **OF_EVERY_CONTEXT,
            **more,
        )
        contexts.append(context)
        expected.append(meets)
        context.add_cookies([{"name": "_token", "value": token(person), "url": console_url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        answer = page.goto(console_url + PREFIX + path)
        assert answer.status == status
        # Chromium itself complains of an error that was asked for.
        complaints[:] = [text for text in complaints if status < 400 or f"status of {status}" not in text]
        return page

    yield open_it
    for context in contexts:
        context.close()
    complaints = [text for text in complaints if not any(words in text for words in expected)]
    assert not complaints, complaints


def look_again(page: Any) -> None:
    """The page asks the server now, as when a person comes back to its tab, and not when its next turn comes."""
    from ses_ops.console.database import forget_snapshots

    forget_snapshots()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def _is_complaint(message: Any) -> bool:
    """Chromium calls every answer above 400 an error; a form that comes back with its errors (422) is none."""
    return message.type == "error" and "status of 422" not in message.text


@pytest.fixture(scope="package")
def looked_at(browser: Any) -> Iterator[Any]:
    """One page for all looks: a browser's context of its own costs as much as the page that is shown in it.

    It has no language of its own, so that each look can ask for one.
    """
    context = browser.new_context(timezone_id="Asia/Tokyo", **OF_EVERY_CONTEXT)
    yield context.new_page()
    context.close()


@pytest.fixture
def nothing_shuts_people_out(looked_at: Any, console_url: str, world: Any) -> Iterator[Callable[..., None]]:
    """Looks at a page in both themes, both languages, wide and narrow: no finding of axe-core, no scrolling sideways.

    SES_SCREENSHOTS names a folder that gets a picture of each look. What the page complains of fails the test.
    """
    page, complaints = looked_at, list[str]()

    def note(message: Any) -> None:
        if _is_complaint(message):
            complaints.append(message.text)

    def note_error(error: Any) -> None:
        complaints.append(str(error))

    page.on("console", note)
    page.on("pageerror", note_error)

    def look(path: str, person: str = "user", *, before: Callable[[Any], None] = lambda page: None) -> None:
        found = []
        for locale in LOCALES:
            page.context.clear_cookies()
            page.context.add_cookies([{"name": "_token", "value": token(person), "url": console_url}])
            page.set_extra_http_headers({"Accept-Language": locale})
            page.emulate_media(color_scheme="light")
            page.set_viewport_size({"width": 1280, "height": 800})
            assert page.goto(console_url + PREFIX + path).status == 200
            before(page)
            page.wait_for_load_state()
            assert page.locator("html").get_attribute("lang") == locale.partition("-")[0]
            for scheme, width, locale_of_axe in LOOKS:
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 800})
                look_of_it = f"{path} {scheme} {locale} {width}"
                if locale == locale_of_axe:
                    violations = axe_violations(page, look_alone=scheme == "dark")
                    found += [f"{look_of_it}: {violation}" for violation in violations]
                wide = page.evaluate("document.documentElement.scrollWidth")
                found += [f"{look_of_it}: {wide} px wide"] if wide > width else []
                if folder := os.environ.get("SES_SCREENSHOTS"):
                    name = "".join(c if c.isalnum() else "-" for c in look_of_it).strip("-")
                    page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        assert not found, "\n".join(found)

    yield look
    # It asks nothing more of this test's databases.
    page.goto("about:blank")
    page.remove_listener("console", note)
    page.remove_listener("pageerror", note_error)
    assert not complaints, complaints
