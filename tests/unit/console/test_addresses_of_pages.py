"""Every address in a page is made with the prefix, which a reverse proxy may have put before the console."""

from __future__ import annotations

import re
from pathlib import Path

HTML = Path(__file__).parents[3] / "plugins" / "ses_ops" / "console" / "html"
#: An attribute that has an address, and what stands in it: text, values and blocks of the template.
ADDRESS = re.compile(
    r"""(?<![\w-])(?:href|src|action|formaction|data-live|data-look|data-progress|data-result)="""
    r'''"((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"'''
)
#: A place in the page itself; a function of page.py that adds the prefix; the mailbox, which is another server.
WITH_PREFIX = re.compile(r"#|\{\{ ?(?:url|airflow|in_airflow)\(|\{\{ ?mailbox ?\}\}/")
#: The argument of a macro, which is given `url(...)`; and an answer to a question, which is no address.
ELSEWHERE = {"{{ frame }}", "{{ 'bad' if not found else 'sure' if found.sure else 'guess' }}"}


def test_every_address_in_a_page_has_the_prefix() -> None:
    found = [(page.name, one) for page in HTML.rglob("*.html") for one in ADDRESS.findall(page.read_text())]
    assert len(found) > 200
    assert {one for _, one in found if not WITH_PREFIX.match(one)} == ELSEWHERE


def test_an_address_without_the_prefix_is_found() -> None:
    for wrong in ('<a href="/tasks">', '<form action="{{ path }}">', '<img src="https://cdn.example/a.png">'):
        (address,) = ADDRESS.findall(wrong)
        assert not WITH_PREFIX.match(address)
