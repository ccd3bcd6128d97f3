"""Every page on a phone: none is wider than its window, whatever stands on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_ops import settings
from tests.console.test_access import LINES
from tests.integration.sending_world import DOMAIN

#: Pixels: the narrowest phone that is still in use (an iPhone SE), and a usual one.
WIDTHS = (320, 390)
#: Answers that are no pages: fragments of pages, files, and what Airflow asks for.
NO_PAGES = ("/live/", "/static/")
LONG_NAME = "the-longest-name-of-a-task-that-anybody-would-ever-type-into-it"
LONG_TEXT = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
LONG_DOMAIN = "a" * 60 + "." + "b" * 60 + ".example"
#: Other looks at the same routes, and what is there only when something is wrong.
MORE = (
    f"/tasks/{LONG_NAME}",
    f"/tasks?q={LONG_TEXT}",
    "/tasks?size=25&page=2",
    f"/tasks/{LONG_NAME}?status=failed",
    f"/domains/{LONG_DOMAIN}",
    "/groups/customers?q=nobody",
    "/templates/broken",
    "/templates/hello?view=source",
    "/nothing-is-here",
)
#: What a page asks before it changes anything, by the form that leads there.
QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/tasks/hello/cancel", {}),
    (f"/domain-decisions/{LONG_DOMAIN}", {"act": "block", "reason": LONG_TEXT}),
    (f"/domain-decisions/{DOMAIN}", {"act": "pin", "level": "7", "reason": LONG_TEXT}),
    ("/bulk-tasks", {"action": "delete", "all": "yes", "list": "?q=e"}),
    ("/groups/customers/delete", {}),
    ("/groups/customers/upload", {}),
    ("/new-task", {"name": LONG_TEXT, "sender": LONG_TEXT, "template": "hello", "group": "customers"}),
    ("/new-task/review", LINES["POST /new-task/review"].form),
)
_SUBMIT = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""
_WIDTHS_OF = """() => ({
  page: document.documentElement.scrollWidth,
  window: document.documentElement.clientWidth,
  wide: [...document.querySelectorAll("body *")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.right > innerWidth + 1 && box.width && !one.closest(".scroll, .top ul, pre, svg, .frame, .tabs");
  }).slice(0, 3).map((one) => one.outerHTML.slice(0, 120)),
})"""


@pytest.fixture
def long_words(world: Any, console_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Something on every page, most of it in words that do not break; with the mailbox of `make run`."""
    entries = {
        DOMAIN: {"plan": "standard", "started_on": "2026-01-01", "time_zone": "America/Argentina/Buenos_Aires"},
        LONG_DOMAIN: {"plan": LONG_TEXT, "started_on": "2026-01-01"},
    }
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(entries))
    _write_stack(world, console_url, monkeypatch)
    world.seed("hello")
    world.seed(LONG_NAME, subject=LONG_TEXT, sender=f"{LONG_TEXT[:90]} <{'n' * 60}@{LONG_DOMAIN}>")
    world.outcome(LONG_NAME, sent=12_000_000, failed=300_000, suppressed=40_000, unknown=2_000, cached=7_955_000)
    world.execute(
        "UPDATE send_task SET error = %s, paused_reason = %s WHERE name = %s", LONG_TEXT, LONG_TEXT, LONG_NAME
    )
    for number in range(30):
        world.task(f"task-{number:02}", group="customers", type="recurring", start_at="2099-01-01 09:00", every="7d")
    (world.templates / "broken").mkdir()
    (world.templates / "broken" / "subject.txt").write_text("{{ " + LONG_TEXT)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason, note) SELECT a, a, 'manual', %s"
        " FROM (SELECT %s || '@x.example' AS a) x",
        *(LONG_TEXT, LONG_TEXT[:60]),
    )
    return world


def _write_stack(world: Any, console_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.stack_file().parent.mkdir(parents=True, exist_ok=True)
    stack = dict.fromkeys(settings.RunningStack.__dataclass_fields__, "")
    stack |= {"mailbox_url": console_url, "db_dsn": world.dsn, "smtp_uri": "smtp://127.0.0.1:1/?tls=none", "env": {}}
    settings.stack_file().write_text(json.dumps(stack))
    monkeypatch.setenv(settings.SES_SMTP, stack["smtp_uri"])  # as the stack's own processes have it


def pages() -> list[str]:
    """The path of every GET route, and other looks at some."""
    routes = [line.path for key, line in LINES.items() if key.startswith("GET ")]
    return [*(path for path in routes if not path.startswith(NO_PAGES)), *MORE]


def too_wide(page: Any, path: str) -> list[str]:
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        seen = page.evaluate(_WIDTHS_OF)
        if seen["page"] > seen["window"]:
            found.append(f"{path} at {width} px: {seen['page']} px wide, by {seen['wide']}")
    return found


def is_page(answer: Any) -> bool:
    """Whether a browser shows it, and does not store it."""
    headers = answer.headers
    return "text/html" in headers.get("content-type", "") and "attachment" not in headers.get("content-disposition", "")


def test_no_page_is_wider_than_its_window(long_words, open_page):
    page = open_page("/", "admin", width=WIDTHS[0], meets="status of 4")
    server = page.url.removesuffix("/")
    paths = [path for path in pages() if is_page(page.context.request.get(server + path))]
    assert len(paths) > 25, "the pages were not found"
    found = []
    for path in paths:
        page.goto(server + path)
        found += too_wide(page, path)
    for path, fields in QUESTIONS:
        page.goto(f"{server}/tasks")
        with page.expect_navigation():
            page.evaluate(_SUBMIT, [server + path, fields])
        found += too_wide(page, path)
    assert not found, "\n".join(found)


def test_the_navigation_shows_that_there_is_more_of_it(long_words, open_page):
    page = open_page("/suppression", width=WIDTHS[1])
    strip, arrows = page.locator(".top ul"), page.locator(".top nav")
    assert page.get_by_role("link", name="Mailbox").count() == 1
    own = page.locator(".top [aria-current]").bounding_box()
    assert own["x"] >= 0, "the page's own entry is in sight"
    assert own["x"] + own["width"] <= WIDTHS[1]
    assert "more-before" in arrows.get_attribute("class")
    strip.evaluate("one => one.scrollLeft = 0")
    page.locator(".top nav.more-after:not(.more-before)").wait_for()
    strip.evaluate("one => one.scrollLeft = one.scrollWidth")
    page.locator(".top nav.more-before:not(.more-after)").wait_for()
