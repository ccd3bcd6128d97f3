"""Two addresses of the console behind each proxy, on one installation, and a browser that knows only these."""

from __future__ import annotations

import tests.airflow_environment as environment  # isort: skip - before anything of Airflow

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.console.browser.chromium import chromium
from tests.console.console_world import ConsoleWorld
from tests.proxy.airflow import PEOPLE, ApiServer, Behind, new_fernet_key, two_addresses
from tests.proxy.front import CONSOLE, Front
from tests.proxy.fronts import FRONTS, PARAMETERS

#: Tables whose rows are made by the migrations; all others are emptied before each test.
KEPT_TABLES = ("ses_schema_version", "installation", "token_secret", "erasure_key")
_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser knows the address only: the proxy that takes the prefix off is asked by one in `make test-full`."""
    for item in items:
        if _HERE in item.path.parents and "page" in item.fixturenames and item.callspec.params["behind"] != "kept":
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session", params=PARAMETERS)
def front(request: pytest.FixtureRequest) -> type[Front]:
    """The proxy: nginx, and in `make test-full` each."""
    return FRONTS[request.param]


@pytest.fixture(scope="session")
def installation(postgres: Any, ses_template: str, airflow_template: str, tmp_path_factory: Any) -> Iterator[Any]:
    """The databases and templates of all API servers."""
    ses, metadata = (postgres.new_database(template) for template in (ses_template, airflow_template))
    world = ConsoleWorld(dsn=postgres.dsn(ses), templates=tmp_path_factory.mktemp("templates"))
    with environment.metadata_database(postgres.dsn(metadata)):
        yield world, postgres.dsn(metadata)
    world.close()


@pytest.fixture(scope="session")
def airflows(installation: Any, tmp_path_factory: Any) -> Iterator[dict[str, ApiServer]]:
    """The API servers, which start side by side. Each proxy stands before the same."""
    world, metadata = installation
    found = two_addresses(tmp_path_factory.mktemp("airflows"))
    key = new_fernet_key()
    try:
        for one in found.values():
            one.start(metadata=metadata, ses=world.dsn, templates=world.templates, fernet_key=key)
        with ThreadPoolExecutor() as pool:
            list(pool.map(ApiServer.wait, found.values()))
        yield found
    finally:
        for one in found.values():
            one.stop()


@pytest.fixture(scope="session")
def both(airflows: dict[str, ApiServer], front: type[Front], tmp_path_factory: Any) -> Iterator[dict[str, Behind]]:
    """The proxy before each. The address has a port, which all proxies need: each has an IP address of its own."""
    folder = tmp_path_factory.mktemp(front.program)
    address = f"127.0.0.{1 + list(FRONTS.values()).index(front)}"
    found = {
        "kept": Behind.keeping(airflows["kept"], front, folder / "kept", address),
        "taken off": Behind.taking_off(airflows["taken off"], front, folder / "off", address),
    }
    try:
        for one in found.values():
            one.front.start()
        yield found
    finally:
        for one in found.values():
            one.front.stop()


@pytest.fixture(params=["kept", "taken off"])
def behind(both: dict[str, Behind], request: pytest.FixtureRequest) -> Behind:
    """Each of both."""
    return both[request.param]


@pytest.fixture
def kept(both: dict[str, Behind]) -> Behind:
    """The one that the file in deploy/ describes."""
    return both["kept"]


@pytest.fixture
def world(installation: Any) -> ConsoleWorld:
    """An empty installation."""
    world, _ = installation
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)"
    found = world.rows(tables, [*KEPT_TABLES])
    # Without triggers and references, and without a lock that what a server still answers could be in the way of.
    emptied = [f"DELETE FROM {name}" for (name,) in found]
    world.execute("; ".join(["SET LOCAL session_replication_role = replica", *emptied]))
    return world


# Not for the session: see tests/console/browser/conftest.py.
@pytest.fixture(scope="package")
def browser(both: dict[str, Behind]) -> Iterator[Any]:
    """Chromium that asks the proxy for https://intern.example, with a port or without."""
    kept = both["kept"].front
    rules = f"MAP {CONSOLE}:443 {kept.address}:{kept.port}, MAP {CONSOLE} {kept.address}"
    with chromium(f"--host-resolver-rules={rules}") as running:
        yield running


@pytest.fixture(scope="package")
def logins(front: type[Front]) -> dict[str, Any]:
    """The cookies of the person, by address, as each proxy has passed them on."""
    return {}


@pytest.fixture
def page(browser: Any, logins: dict[str, Any], behind: Behind) -> Iterator[Any]:
    """A page of a person who has logged in by Airflow's own form, which was asked for by the console's address."""
    context = browser.new_context(
        ignore_https_errors=True, locale="en-GB", storage_state=logins.get(behind.base_url), accept_downloads=True
    )
    page = context.new_page()
    if behind.base_url not in logins:
        page.goto(behind.base_url)  # no slash at its end
        page.locator("input[name=username]").fill("admin")
        page.locator("input[name=password]").fill(PEOPLE["admin"])
        page.locator("input[name=password]").press("Enter")
        page.get_by_role("link", name="Mail").first.wait_for(timeout=60_000)
        logins[behind.base_url] = context.storage_state()
        page.goto("about:blank")  # what Airflow's page still asks for is none of the test's
    yield page
    context.close()
