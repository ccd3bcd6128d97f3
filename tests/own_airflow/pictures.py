"""Pictures for docs/own-airflow.md, of Airflow's own forms: `python -m tests.own_airflow.pictures`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.console.browser.chromium import chromium
from tests.own_airflow.fresh_environment import REPOSITORY, FreshEnvironment, build_wheel
from tests.own_airflow.people import administrator
from tests.own_airflow.team_airflow import TeamAirflow
from tests.run_guard import guarded

FOLDER = REPOSITORY / "docs" / "screenshots"
#: By picture: the page of Airflow's UI, the button on it, and what is filled in, by the names of the fields.
QUOTA = '{"mail.example.com": {"plan": "standard", "started_on": "2026-12-01", "time_zone": "Asia/Tokyo"}}'
DATABASE = {"host": "db.example.com", "login": "ses", "password": "secret", "port": "5432", "schema": "ses"}
WINDOW = {"width": 1000, "height": 1000}
RELAY = {"host": "mail.example.com", "login": "news", "password": "secret", "port": "587"}


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="ses-own-airflow-"))
    environment = FreshEnvironment.make(folder / "venv")
    environment.install(build_wheel(folder))
    airflow = TeamAirflow(environment)
    try:
        airflow.prepare()
        airflow.start()
        with chromium() as browser:
            context = browser.new_context(
                locale="en-GB", color_scheme="light", viewport={"width": 1000, "height": 1000}
            )
            context.add_cookies([{"name": "_token", "value": administrator(airflow).token, "url": airflow.url}])
            page = context.new_page()
            page.set_default_timeout(60_000)
            connection(page, airflow.url, "ses_db", "Generic", DATABASE)
            connection(page, airflow.url, "ses_smtp", "SMTP", RELAY)
            variable(page, airflow.url)
        return 0
    finally:
        airflow.remove()
        shutil.rmtree(folder, ignore_errors=True)


def connection(page: Any, url: str, name: str, kind: str, fields: dict[str, str]) -> None:
    """The form of a new connection."""
    page.goto(f"{url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    form = page.get_by_role("dialog")
    form.locator("input[name=connection_id]").fill(name)
    form.locator("input").nth(1).press_sequentially(kind)
    page.keyboard.press("Enter")
    for field, value in fields.items():
        form.locator(f"[name={field}]").fill(value)
    take(page, form, name.replace("_", "-"))


def variable(page: Any, url: str) -> None:
    """The form of a new Variable."""
    page.goto(f"{url}/variables")
    page.get_by_role("button", name="Add Variable").first.click()
    form = page.get_by_role("dialog")
    form.locator("[name=key]").fill("ses_warmup_quota")
    form.locator("[name=value]").fill(QUOTA)
    take(page, form, "variable")


def take(page: Any, form: Any, name: str) -> None:
    page.wait_for_timeout(1_000)
    file = FOLDER / f"own-airflow-{name}.png"
    form.screenshot(path=file)
    # Forms have few colours: a third of the bytes.
    Image.open(file).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    raise SystemExit(guarded(main))
