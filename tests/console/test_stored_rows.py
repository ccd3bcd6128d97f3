"""A row that no version of today would write: the task is shown as in error, and no page falls with it."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from ses_ops.cli.main import run
from tests.console import access_table
from tests.console.console_world import visible_text

#: What was or could be stored: by an earlier version, by hand, by another program.
BROKEN = {
    "begins in the year 9999": "type = 'recurring', start_at = '9999-12-31 23:59+00', cron = '0 0 1 1 *'",
    "begins beyond Python's years": "type = 'recurring', start_at = '294276-12-31 00:00+00', every = '1d'",
    "begins before Christ": "type = 'recurring', start_at = '4713-01-01 00:00+00 BC', every = '1d'",
    "begins never": "type = 'scheduled', start_at = 'infinity'",
    "began always": "type = 'recurring', start_at = '-infinity', every = '1d', time_zone = 'Asia/Tokyo'",
    "another time at every look": "type = 'recurring', start_at = now(), cron = 'R R * * *'",
    "no cron expression": "type = 'recurring', start_at = now(), cron = 'often'",
    "an empty cron expression": "type = 'recurring', start_at = now(), cron = ''",
    "no recurrence": "type = 'recurring', start_at = now(), every = 'often'",
    "neither every nor cron": "type = 'recurring', start_at = now()",
    "every 99999 days": "type = 'recurring', start_at = now(), every = '99999d'",
    "a recurrence of many digits": "type = 'recurring', start_at = now(), every = '99999999999999999999d'",
    "an unknown time zone": "type = 'recurring', start_at = now(), every = '1d', time_zone = 'Mars/Olympus'",
    "a time zone that is a path": "type = 'recurring', start_at = now(), every = '1d', time_zone = '../../etc/passwd'",
}
#: Odd, and yet all can be worked out.
ODD = {
    "ends in the year 9999": "type = 'recurring', start_at = now(), every = '1d', until = '9999-12-31 23:59:59+00'",
    "ends never": "type = 'recurring', start_at = now(), every = '1d', until = 'infinity', time_zone = 'Asia/Tokyo'",
    "ended always": "type = 'recurring', start_at = now(), every = '1d', until = '-infinity'",
    "a grace of ages": "type = 'recurring', start_at = now(), every = '1d', start_grace = '178000000 years'",
    "a grace of ages ago": "type = 'recurring', start_at = now(), every = '1d', start_grace = '-178000000 years'",
    "changed in the future": "updated_at = 'infinity'",
    "every 200 years": "type = 'recurring', start_at = now(), every = '73000d'",
}


def paths() -> list[str]:
    found = []
    for module in pkgutil.iter_modules(access_table.__path__):
        routes = importlib.import_module(f"{access_table.__name__}.{module.name}").ROUTES
        found += [line.path for route, line in routes.items() if route.startswith("GET ")]
    return found


def pages_that_fail(user) -> dict[str, str]:
    answers = {path: user.get(path) for path in paths()}
    return {path: visible_text(answer.text)[:200] for path, answer in answers.items() if answer.status_code >= 500}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_task_whose_schedule_cannot_be_worked_out_is_in_error_and_hurts_nothing_else(world, admin, change):
    world.seed("hello")
    world.seed("fine", type="recurring", start_at="2099-01-01 09:00", every="1d")
    world.execute(f"UPDATE send_task SET {change} WHERE name = 'hello'")
    assert not pages_that_fail(admin)
    assert world.overview("hello").status == "error"
    assert world.overview("fine").status == "waiting"
    page = admin.text("/tasks/hello")
    assert "its schedule cannot be worked out: " in page
    assert "Correct its schedule by an edit, or delete the task." in page
    assert "fine" in admin.text("/tasks")
    seen = re.search('name="seen" value="([^"]+)"', admin.get("/tasks/hello/edit").text)[1]
    mended = {"type": "scheduled", "start_at": "2099-01-01T09:00", "template": "hello", "group": "customers"}
    changed = admin.post("/tasks/hello/edit", **mended, sender="news@mail.example.com", time_zone="UTC", seen=seen)
    assert changed.status_code == 303, visible_text(changed.text)
    assert world.overview("hello").status == "waiting"
    deleted = admin.post("/tasks/hello/delete", confirmed="yes")
    assert deleted.status_code == 303, visible_text(deleted.text)


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_an_odd_value_that_can_be_worked_out_hurts_nothing(world, admin, change):
    world.seed("hello")
    world.execute(f"UPDATE send_task SET {change} WHERE name = 'hello'")
    assert not pages_that_fail(admin)
    assert world.overview("hello").error is None


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "294276-12-31 00:00+00", "9999-12-31 23:59:59+00"])
def test_no_moment_in_the_ledger_breaks_a_page(world, admin, moment):
    world.seed("hello", count=4)
    world.outcome("hello", sent=2, cached=2)
    columns = world.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE data_type = 'timestamp with time zone'"
        " AND table_schema = 'public' AND table_name IN ('chunk', 'occurrence', 'message', 'recipient_group')"
    )
    for table, column in columns:
        world.execute(f"UPDATE {table} SET {column} = '{moment}' WHERE {column} IS NOT NULL")
    assert not pages_that_fail(admin)


@pytest.mark.parametrize("change", {**BROKEN, **ODD}.values(), ids={**BROKEN, **ODD})
def test_the_command_line_shows_and_deletes_such_a_task(world, monkeypatch, capsys, change):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", world.dsn)
    world.seed("hello")
    world.execute(f"UPDATE send_task SET {change} WHERE name = 'hello'")
    for command in (["list"], ["list", "--json"], ["show", "hello"], ["show", "hello", "--json"], ["delete", "hello"]):
        assert run(["task", *command]) == 0, (command, capsys.readouterr().err)
