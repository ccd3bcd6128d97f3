"""`make screenshots`: takes pictures of the console for the README and the documents.

The pictures show the console inside Airflow's own UI. The script starts the stack as `make run` does, in a folder of
its own with ports of its own; fills it (screenshot_data.py); logs in; opens every page of the console's navigation and
some more; and writes one PNG for each into docs/screenshots. A page that does not exist is skipped with a line. Ctrl-C
stops the script and the stack.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import screenshot_data
from tests.acceptance.stack_process import REPOSITORY, StackProcess
from tests.console.browser.chromium import chromium
from tests.run_guard import guarded

FOLDER = REPOSITORY / "docs" / "screenshots"
#: Bytes of the largest picture, because pictures are loaded with the README.
LARGEST = 150_000
#: The path of the console in Airflow's UI, and that of the console itself (console/registration.py).
FRAME, PREFIX = "/plugin/mail", "/ses"
#: Milliseconds to wait for an element; then those after which a page has settled.
_TIMEOUT = 60_000
_SETTLED = 1_500


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of one page of the console."""

    name: str
    path: str
    scheme: str = "light"
    locale: str = "en-GB"
    width: int = 1280
    height: int = 800


#: The pictures that are taken while the mailing is being sent.
MOVING = (
    Picture(name="overview", path="/", height=1_000),
    Picture(name="send-tasks", path="/tasks"),
    Picture(name="overview-dark", path="/", scheme="dark", height=1_000),
    Picture(name="send-tasks-dark", path="/tasks", scheme="dark"),
    Picture(name="overview-ja", path="/", locale="ja-JP", height=1_000),
    Picture(name="send-tasks-phone", path="/tasks", width=360, height=740),
)
#: The pictures of pages that the navigation does not have.
BEHIND = (
    Picture(name="task", path=f"/tasks/{screenshot_data.PAST}", height=1_000),
    Picture(name="template", path="/templates/newsletter", height=900),
    Picture(name="sender-domain", path=f"/domains/{screenshot_data.SHOP}", height=900),
)


class Camera:
    """A browser that is logged in to Airflow."""

    def __init__(self, browser: Any, stack: StackProcess, folder: Path) -> None:
        self._browser, self._stack, self._folder = browser, stack, folder
        self._token = stack.token()
        self.too_large: list[str] = []

    def take(self, picture: Picture) -> bool:
        """Write a picture; returns False when the page does not exist."""
        with self._page(picture) as page:
            if page is None:
                print(f"  {picture.name}: there is no {picture.path} here, passed over")
                return False
            self._write(page, picture.name)
        return True

    def navigation(self) -> list[Picture]:
        """A picture for every page of the console's navigation, named by its path."""
        with self._page(Picture(name="navigation", path="/tasks")) as page:
            assert page is not None
            links = (
                page.frame_locator("iframe")
                .locator("header nav a")
                .evaluate_all(
                    "links => links.map(link => new URL(link.href)).filter(url => url.host === location.host)"
                    ".map(url => url.pathname)"
                )
            )
        paths = [link.removeprefix(PREFIX) or "/" for link in links]
        return [Picture(name=path.strip("/") or "overview", path=path, height=900) for path in paths]

    def take_review(self, name: str) -> None:
        """Write a picture of the review of a new task: the submitted form of a clone."""
        with self._page(Picture(name=name, path=f"/new-task?clone={screenshot_data.PAUSED}", height=1_000)) as page:
            if page is None:
                return
            frame = page.frame_locator("iframe")
            send = frame.locator('form[action$="/new-task/review"] button.primary')
            if send.count() == 0:
                print(f"  {name}: there is no review here, passed over")
                return
            send.first.click()
            frame.locator('form[action$="/new-task"]').first.wait_for(timeout=_TIMEOUT)
            page.wait_for_timeout(_SETTLED)
            self._write(page, name)

    @contextmanager
    def _page(self, picture: Picture) -> Iterator[Any]:
        """The page in Airflow's frame, when it has settled; None when the console has no such page."""
        context = self._browser.new_context(
            color_scheme=picture.scheme,
            locale=picture.locale,
            timezone_id="Asia/Tokyo",
            viewport={"width": picture.width, "height": picture.height},
        )
        try:
            context.add_cookies([{"name": "_token", "value": self._token, "url": self._stack.url("/")}])
            probe = context.request.get(self._stack.url(PREFIX + picture.path))
            if probe.status == 404:
                yield None
                return
            page = context.new_page()
            page.goto(self._stack.url(FRAME + PREFIX + picture.path))
            page.frame_locator("iframe").locator("main h1").first.wait_for(timeout=_TIMEOUT)
            page.wait_for_timeout(_SETTLED)
            yield page
        finally:
            context.close()

    def _write(self, page: Any, name: str) -> None:
        file = self._folder / f"{name}.png"
        page.screenshot(path=file, animations="disabled")
        size = file.stat().st_size
        print(f"  {file.name}: {size:,} bytes", flush=True)
        if size > LARGEST:
            self.too_large.append(file.name)


def main() -> int:
    """Take all pictures; returns 1 when one is larger than LARGEST."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    stack = StackProcess(settings={"SES_SAMPLE": "off"})
    try:
        print("Starting the stack …", flush=True)
        stack.start_and_wait()
        with tempfile.TemporaryDirectory(prefix="ses-screenshots-") as scratch, chromium() as browser:
            print("Filling it …", flush=True)
            screenshot_data.make_past_and_present(stack, Path(scratch))
            camera = Camera(browser, stack, folder)
            pages = camera.navigation()
            screenshot_data.start_moving(stack, Path(scratch))
            for picture in MOVING:
                camera.take(picture)
            taken = {picture.path for picture in MOVING}
            for picture in (*(page for page in pages if page.path not in taken), *BEHIND):
                camera.take(picture)
            camera.take_review("new-task-review")
    finally:
        stack.remove()
    for name in camera.too_large:
        print(f"{name} is larger than {LARGEST:,} bytes", file=sys.stderr)
    return 1 if camera.too_large else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
