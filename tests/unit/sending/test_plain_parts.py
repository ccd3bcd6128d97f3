"""A message's own texts without Jinja2 become the mail that the same texts become as a template."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ses_ops.errors import SesError
from ses_ops.rendering import own_texts
from tests.sizes import examples
from tests.unit.sending.single_mails import parsed, prepared, read

PIECES = [
    *("<p>", "</p>", "<b>x</b>", "<br>", "\n", " ", "a & b", "&lt;", "日本", "é" * 30, "x" * 80, ".", "From me", "=20"),
    *('<a href="https://a.example/?x=1&amp;y=2">l</a>', "https://b.example/path.", "(https://c.example/)", "<html>"),
    *("<body>", "</body>", "</html>", "<!-- </body> -->", "<a href='mailto:a@b.example'>", "</a>", "<head>", "</head>"),
    *('<a href="https://d.example/" data-no-track>n</a>', "<style>p{color:red}</style>", "{", "}", "{ {", "%}", "\r\n"),
    *("<td>1</td>", "<ul><li>1</li></ul>", "&#123;&#123; x }}", "\t", "\u00a0", "\U0010fff0", "\u2028", '"', "'"),
]
SOURCE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def mails(fields) -> list | str:
    """The mails, or why there are none."""
    own_texts._plain._known.clear()
    own_texts._sources._known.clear()
    try:
        made = prepared(parsed(**fields))
    except SesError as problem:
        return problem.code
    return [made.targets, *(facts(read(made.content(7, 100 + place, place))) for place in range(2))]


def facts(mail) -> list:
    """What a reader sees of a mail; soft line breaks may stand elsewhere."""
    headers = [(name, value) for name, value in mail.items() if name != "Date"]
    parts = [part for part in mail.walk() if not part.is_multipart()]
    return [headers, *((part.get_content_type(), part.get_content()) for part in parts)]


@settings(max_examples=examples(160))
@given(
    text=st.none() | SOURCE,
    html=st.none() | SOURCE,
    unsubscribe=st.sampled_from(["none", "ar", "ja"]),
    opens=st.booleans(),
    clicks=st.booleans(),
)
@example(text=None, html="&#123;&#123; x }}", unsubscribe="none", opens=False, clicks=False)
@example(text="x", html="<p>x</p>\n", unsubscribe="ja", opens=True, clicks=True)
def test_both_ways_make_the_same_mail(text, html, unsubscribe, opens, clicks):
    fields = {
        "to": ["ann@example.com", "bo@example.com"],
        "text": text,
        "html": html,
        "unsubscribe": unsubscribe,
        "track": {"opens": opens, "clicks": clicks},
    }
    quick, plain_parts = mails(fields), own_texts.plain_parts
    own_texts.plain_parts = lambda *_: None
    try:
        slow = mails(fields)
    finally:
        own_texts.plain_parts = plain_parts
    assert quick == slow
