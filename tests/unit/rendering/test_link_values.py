"""A value stands in the unsubscribe link percent-quoted once, so that the page behind it reads what the group has."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.errors import TemplateError
from ses_ops.rendering.unsubscribe_link import UnsubscribeLink
from tests.sizes import examples
from tests.unit.rendering.conftest import WriteTemplate

_SAME = ["", "urlencode", "e", "escape", "forceescape", "e | urlencode", "urlencode | e", "urlencode | trim"]
_SAME += ["urlencode | default('x')", "string | urlencode", "urlencode | string", "default('x') | urlencode | safe"]


def _expression(filters: str) -> str:
    return f"{{{{ {' | '.join(filter(None, ('email', filters)))} }}}}"


@pytest.mark.parametrize("filters", _SAME)
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda v: v == v.strip())
)
def test_the_page_reads_the_value_as_the_group_has_it(write: WriteTemplate, filters: str, value: str) -> None:
    link = UnsubscribeLink(
        f"https://x.example/u/{_expression(filters)}?who={_expression(filters)}&a=1", write(text="x")
    )
    made = urlsplit(link.render({"email": value}))
    assert parse_qs(made.query, keep_blank_values=True) == {"who": [value], "a": ["1"]}
    assert unquote(made.path) == f"/u/{value}"
    assert made.path.count("/") == 2, "the value has left its place"


@pytest.mark.parametrize(
    ("filters", "made"),
    [
        ("", "ann%2Bx%40shop.example"),
        ("urlencode", "ann%2Bx%40shop.example"),
        ("urlencode | replace('%40', '@')", "ann%2Bx%40shop.example"),
        ("upper | urlencode", "ANN%2BX%40SHOP.EXAMPLE"),
        ("urlencode | lower", "ann%2bx%40shop.example"),
        ("urlencode | truncate(6, end='', leeway=0)", "ann%2B"),
        ("urlencode | truncate(5, end='', leeway=0)", "ann%252"),
        ("urlencode | urlencode", "ann%252Bx%2540shop.example"),
        ("e | upper", "ANN%2BX%40SHOP.EXAMPLE"),
        ("tojson", "%22ann%2Bx%40shop.example%22"),
    ],
)
def test_what_the_filters_have_made_is_what_is_sent(write: WriteTemplate, filters: str, made: str) -> None:
    for source in (_expression(filters), "{% if email %}" + _expression(filters) + "{% else %}-{% endif %}"):
        link = UnsubscribeLink(f"https://x.example/u?who={source}", write(text="x"))
        assert link.render({"email": "ann+x@shop.example"}) == f"https://x.example/u?who={made}"


def test_a_space_may_be_a_plus(write: WriteTemplate) -> None:
    link = UnsubscribeLink("https://x.example/?n={{ name | urlencode | replace('%20', '+') }}", write(text="x"))
    assert link.render({"name": "Ann B+C"}) == "https://x.example/?n=Ann+B%2BC"


def test_a_column_may_hold_what_is_quoted_already(write: WriteTemplate) -> None:
    link = UnsubscribeLink("https://x.example/?t={{ token | safe }}", write(text="x"))
    assert link.render({"token": "a%3D%3D&x"}) == "https://x.example/?t=a%3D%3D%26x"
    link = UnsubscribeLink("https://x.example/?t={{ token }}", write(text="x"))
    assert link.render({"token": "100%25"}) == "https://x.example/?t=100%2525"


def test_json_in_a_link_is_json_for_the_page(write: WriteTemplate) -> None:
    link = UnsubscribeLink("https://x.example/?d={{ name | tojson }}", write(text="x"))
    query = urlsplit(link.render({"name": "Tom & 'Jé' <x>"})).query
    assert json.loads(parse_qs(query)["d"][0]) == "Tom & 'Jé' <x>"


@pytest.mark.parametrize("name", ["urlize", "xmlattr"])
def test_a_filter_that_makes_html_is_refused(write: WriteTemplate, name: str) -> None:
    with pytest.raises(TemplateError, match=f"the filter '{name}' makes HTML"):
        UnsubscribeLink(f"https://x.example/{{{{ email | {name} | trim }}}}", write(text="x"))


@pytest.mark.parametrize("source", ["{{ email | urlencode }}", "{{ email | e }}", "{{ email | upper | urlencode }}"])
def test_such_a_link_needs_no_interpreter(write: WriteTemplate, source: str) -> None:
    assert UnsubscribeLink(f"https://x.example/{source}", write(text="x"))._part._fast is not None
