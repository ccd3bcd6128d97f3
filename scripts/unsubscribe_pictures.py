"""The unsubscribe page in all languages as two pictures, for docs/feedback.md; part of `make screenshots`.

Each page is what the listener answers, in a frame that is 320 pixels wide, as a small phone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any

from ses_ops.application.unsubscribe import Subscription
from ses_ops.public.page import Shown, page
from ses_ops.public.page_words import all_words
from tests.console.browser.chromium import INSTALL, REPOSITORY, chromium
from tests.run_guard import guarded

FOLDER = REPOSITORY / "docs" / "screenshots" / "unsubscribe"
#: Noto has Thai and Arabic, and Debian's CJK fonts have the rest.
FONTS = ("fonts-noto-core", "fonts-noto-cjk")
_FOUND = Subscription(address="a***@example.org", sender_domain="news.example.com", unsubscribed=False)
_SHEET = """<!DOCTYPE html><style>
body {{ margin: 12px; display: grid; grid-template-columns: repeat(4, 320px); gap: 12px; background: #808088; }}
iframe {{ width: 320px; height: {height}px; border: 0; }}
</style>{frames}"""


def sheet(shown: Shown, height: int) -> str:
    """A document with a page in each language."""
    bodies = [bytes(page(words, shown, _FOUND).body).decode() for words in all_words().values()]
    frames = "".join(f'<iframe srcdoc="{escape(body)}"></iframe>' for body in bodies)
    return _SHEET.format(height=height, frames=frames)


def take(browser: Any, file: Path, document: str, scheme: str) -> None:
    """Write a picture of a document."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1340, "height": 900})
    tab = context.new_page()
    tab.set_content(document, wait_until="load")
    tab.screenshot(path=file, full_page=True)
    print(f"  {file.name}: {file.stat().st_size:,} bytes", flush=True)
    context.close()


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(INSTALL), *FONTS], check=False)
    with chromium() as browser:
        take(browser, folder / "languages.png", sheet(Shown.ASK, 330), "light")
        take(browser, folder / "done-dark.png", sheet(Shown.DONE, 370), "dark")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
