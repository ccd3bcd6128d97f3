"""Every link of a page to a style, a script or a picture names a file that is served, with that file's own version."""

from __future__ import annotations

import re
from pathlib import Path

from ses_ops.console.static_files import static_files

HTML = Path(__file__).parents[3] / "plugins" / "ses_ops" / "console" / "html"
#: The path of a link, and the name whose version it carries, if it carries one.
LINK = re.compile(r"""url\(\s*['"]/static/([^'"]+)['"]\s*(?:,\s*v=static\(\s*['"]([^'"]+)['"]\s*\))?""")


def test_every_page_links_to_files_that_are_served() -> None:
    links = [(page.name, *link) for page in HTML.rglob("*.html") for link in LINK.findall(page.read_text())]
    assert len(links) > 20
    wrong = [link for link in links if link[1] not in static_files() or link[2] not in ("", link[1])]
    assert not wrong
