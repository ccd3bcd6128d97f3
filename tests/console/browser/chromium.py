"""A real browser for tests: Debian's Chromium, driven by Playwright, and axe-core, which finds what shuts out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python

REPOSITORY = Path(__file__).resolve().parents[3]
INSTALL = REPOSITORY / "scripts" / "install-debian-packages.sh"
#: Debian's name of the program and of its package.
SHELL = "chromium-headless-shell"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
#: WCAG 2.2 AA and everything below it, and axe's own best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The rules whose answer depends on the theme or on how the page is laid out; all others look at the document alone.
OF_THE_LOOK = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
#: V8's optimising compilers work for longer than these pages live: without them a page takes a tenth less CPU.
FEW_COMPILERS = "--js-flags=--no-turbofan --no-maglev"
#: Milliseconds for a start of the browser, and for what `expect` waits for: Playwright's 5 s are few on a busy machine.
STARTED_WITHIN, SEEN_WITHIN = 120_000, 30_000
#: Only what is wrong is brought here: what is right is a hundred times as much.
_LOOK_FOR_VIOLATIONS = """async (only) => {
    const options = { runOnly: only, resultTypes: ["violations"] };
    const { violations } = await axe.run(document, options);
    return violations.flatMap(({ id, nodes }) => nodes.map((node) =>
        `${id}: ${node.target} ${node.html.slice(0, 160)} ${node.failureSummary}`));
}"""
_LOADED = """() => document.readyState === "complete"
    || new Promise((done) => addEventListener("load", () => done(true)))"""


def chromium_program() -> str:
    """Where Chromium is; Debian's packages are installed if they are missing, a font that has Japanese among them.

    Its headless shell, which has no hidden windows: a page costs a quarter of the CPU, and one that waits costs none
    (measured: 0.08 s in place of 0.4 s, and a sixth of a core). The whole program where that cannot be had.
    """
    if shutil.which(SHELL) is None or not _has_japanese():
        enough = shutil.which("chromium") is not None and _has_japanese()
        subprocess.run([str(INSTALL), SHELL, "fontconfig", "fonts-noto-cjk"], check=not enough)
    program = shutil.which(SHELL) or shutil.which("chromium")
    assert program, f"Debian's package {SHELL} was installed and there is no such program"
    return program


def _has_japanese() -> bool:
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=ja"], capture_output=True, text=True, check=False).stdout.strip())


@contextmanager
def chromium(*more: str) -> Iterator[Any]:
    """A browser without a window. Only one at a time, and no event loop of one's own, while it runs.

    `more` are options of its command line.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SEEN_WITHIN)
    # Chromium refuses its sandbox to root.
    options = [FEW_COMPILERS, *(["--no-sandbox"] if os.geteuid() == 0 else []), *more]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=options, timeout=STARTED_WITHIN)
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Any, *, look_alone: bool = False) -> list[str]:
    """What axe-core finds wrong with a page as it stands now: the rule, and where.

    `look_alone` is for a page whose document has been looked at in another theme and width: half of the CPU.
    """
    # By the debugging protocol: the page's own policy forbids scripts that are not its own.
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    only = {"type": "rule", "values": OF_THE_LOOK} if look_alone else {"type": "tag", "values": RULES}
    return list(page.evaluate(_LOOK_FOR_VIOLATIONS, only))


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


def scripted(frame: Any) -> Any:
    """The page in Airflow's frame once its scripts have run: before, a link that leaves the frame is a plain link.

    Wait for something of the page first: an empty frame has no scripts to wait for.
    """
    from playwright.sync_api import Error

    for _ in range(20):
        try:
            frame.locator("html").evaluate(_LOADED)
            return frame
        except Error as problem:
            if "context was destroyed" not in str(problem) and "detached" not in str(problem):
                raise
    raise AssertionError("the frame goes from page to page")
