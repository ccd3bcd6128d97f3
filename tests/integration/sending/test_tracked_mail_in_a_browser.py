"""Tracked mail beside the same mail untracked, both read by a real browser: its parser is not like ours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ses_ops.rendering.template import load_template
from tests.console.browser.chromium import chromium
from tests.sizes import size
from tests.unit.rendering.tracked import PIXEL, bodies, opened

#: Pieces of pages as people and programs write them: well, carelessly, and wrong.
TEXTS = [
    *("x", "<br>", "<b>", "</b>", "<p>", "</p>", "<table><tr><td>", "</td></tr></table>", "<!-- x -->", "<!-- > -->"),
    *("<!--[if mso]>", "<![endif]-->", "<!--[if !mso]><!-->", "<!--<![endif]-->", "<style>a{}</style>", "<ul><li>"),
    *(
        "<title>x</title>",
        "<textarea>y</textarea>",
        "<!doctype html>",
        "</a>",
        "&lt;",
        "<svg>",
        "</svg>",
        "<",
        "<3",
        "-->",
    ),
    *("<noscript>", "</noscript>", "<select><option>z", "</select>", "<math>", "</math>"),
]
ENDS = [
    "",
    "/",
    "?",
    "#",
    "?a=1&b=2",
    "?a=1&amp;b=2",
    "?copy=1&copy=2&notit=3&not;x",
    "%20%2B+;",
    "&#x26;&#38;",
    "&quot;",
]
ENDS += [
    "?q=&lt;x&gt;",
    "?x&amp;amp;y",
    "/ü?名=値",
    "?=&&=",
    "#a#b",
    "?u=http://x",
    "\t",
    " ",
    "&Tab;x",
    "&nbsp;",
    "&zwnj;",
]
BEGINS = ["https://example.com", "http://bücher.example", "HTTPS://EXAMPLE.COM", "https:/example.com", "//example.com"]
BEGINS += [
    "mailto:a@b.example",
    "javascript:x()",
    "#x",
    "",
    "https://ex&amp;ample.com",
    "ht&#116;ps://example.com",
    " https://a",
]
NAMES = ["href", "HREF", "hreF ", "data-href", "href\n"]
QUOTES = [('"', '"'), ("'", "'"), ("", ""), ('"', "' x='\""), ('"', "")]
#: A document without scripting, as in a mail program: its links, and the page without their addresses.
READ = """html => {
    const found = new DOMParser().parseFromString(html, 'text/html')
    const links = [...found.querySelectorAll('a, area')]
    const facts = links.map(one => [one.getAttribute('href'), typeof one.href === 'string' ? one.href : null])
    for (const one of links) one.removeAttribute('href')
    return [facts, found.documentElement.outerHTML]
}"""
#: What a browser takes away at both ends.
AROUND = "".join(map(chr, range(33)))
WHERE = "one => URL.canParse(one) ? new URL(one).href : one"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def a_page(choose: random.Random) -> str:
    pieces = []
    for _ in range(choose.randint(1, 12)):
        pieces += choose.choices(TEXTS, k=choose.randint(0, 3))
        begin, end = choose.choices(QUOTES, weights=(8, 4, 4, 1, 1))[0]
        link = choose.choice(BEGINS) + "".join(choose.choices(ENDS, k=choose.randint(0, 2)))
        more = choose.choice(["", " class=x", " href='https://second.example/'", "\n id = 'y'", "/"])
        name = choose.choices(NAMES, weights=(9, 2, 1, 1, 1))[0]
        pieces.append(f"<{choose.choice(['a', 'a', 'A', 'area'])} {name}={begin}{link}{end}{more}>text")
        pieces.append(choose.choice(["</a>", "</a>", ""]))
    return "".join(pieces)


def test_a_browser_comes_to_the_same_addresses_in_the_same_page(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    folder = tmp_path / "letter"
    folder.mkdir()
    (folder / "subject.txt").write_text("x")
    (folder / "body.txt").write_text("x")
    tracked = 0
    for seed in range(size(3_000, 60)):
        source = a_page(random.Random(seed))
        (folder / "body.html").write_text(source, encoding="utf-8")
        html, _ = bodies(load_template(tmp_path, "letter"))
        before, shown = page.evaluate(READ, source + "\n")
        after, shown_tracked = page.evaluate(READ, html.replace(PIXEL, ""))
        assert len(before) == len(after), (seed, source)
        assert shown.strip() == shown_tracked.strip(), (seed, source)
        for (written, leads_to), (address, _) in zip(before, after, strict=True):
            found = opened(address)
            if found is None:
                assert address == written, (seed, source)
                continue
            tracked += 1
            target = found[0]
            assert written is not None
            assert target == written.strip(AROUND), (seed, source)
            assert leads_to is None or page.evaluate(WHERE, target) == leads_to.strip(AROUND), (seed, source)
    assert tracked > 100
    context.close()
