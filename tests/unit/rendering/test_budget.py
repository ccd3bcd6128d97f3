"""No template keeps a machine busy or fills its memory, and what a mail does with Jinja2 it can do as ever."""

from __future__ import annotations

import time

import pytest
from jinja2 import Environment

from ses_ops.errors import TemplateError
from ses_ops.rendering import budget
from ses_ops.rendering.budget import MAX_WORK
from ses_ops.rendering.operations import operations, paid_tests
from ses_ops.rendering.template_files import MAX_FILE
from tests.sizes import size
from tests.unit.rendering.conftest import WriteTemplate

#: CPU seconds of this thread; the worst take an eighth of it, and beside others more than a quarter.
_SOON = 4
_B = "{% set b = 'x' * 99999 %}{% set c = 'x' * 99999 %}"

LOOPS = {
    "that make nothing": "{% for a in range(90000) %}{% for b in range(90000) %}{% set c = a %}{% endfor %}"
    "{% endfor %}",
    "that choose nothing": "{% for a in range(90000) %}{% for b in range(90000) if false %}{% endfor %}{% endfor %}",
    "over texts": _B + "{% for x in b %}{% for y in b %}{% endfor %}{% endfor %}",
    "in an else": "{% for a in range(90000) %}{% for b in [] %}{% else %}{% for c in range(90000) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "that call themselves": "{% for a in range(99999) recursive %}{% if loop.depth < 3 %}{{ loop(range(99999)) }}"
    "{% endif %}{% endfor %}",
    "three times three": "{% for a in [1, 2, 3] recursive %}{{ loop([1, 2, 3]) if loop.depth < 30 }}{% endfor %}",
    "of three loops": "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}{% endfor %}"
    "{% endfor %}{% endfor %}",
    "that include a file": "{% for i in range(99999) %}{% include 'part.txt' %}{% endfor %}",
    "of calls of a block": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 15
    + "{% for i in range(999) %}{% endfor %}"
    + "{% endcall %}" * 15,
    "in the argument of a filter": "{% for i in range(99999) %}{{ range(99999)|map('string')|join(',')|length }}"
    "{% endfor %}",
    "with a long body": "{% for a in range(99999) %}" + "{% if a %}x{% endif %}" * 1000 + "{% endfor %}",
    "of fixed text": "{% for a in range(99999) %}" + "y" * 50_000 + "{% endfor %}",
    "of fixed text that is kept": "{% set t %}{% for a in range(99999) %}" + "y" * 50_000 + "{% endfor %}{% endset %}",
    "in a macro": "{% macro m() %}{% for a in range(99999) %}"
    + "z" * 5000
    + "{% endfor %}{% endmacro %}{{ m()|length }}",
    "of macros": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}",
    "of blocks": "{% block a %}{% for i in range(99999) if 0 %}{% endfor %}{% endblock %}"
    "{% for i in range(99999) %}{{ self.a() }}{% endfor %}",
    **{
        f"that search with {method}": _B
        + f"{{% for i in range(99999) %}}{{% set t = b.{method}({what}) %}}{{% endfor %}}"
        for method, what in {
            "rfind": "'xy' ~ b[1:49999]",
            "rpartition": "b[1:9999] ~ 'y' ~ b[1:9999]",
            "rsplit": "'xy' ~ b[1:49999]",
            "strip": "'y' * 99999 ~ 'x'",
            "find": "b[1:49999] ~ 'yx'",
            "count": "'xy' ~ b[1:49999]",
            "split": "b[1:9999] ~ 'y' ~ b[1:9999]",
        }.items()
    },
    "that compare": _B + "{% for i in range(99999) %}{% if b == c %}{% endif %}{% endfor %}",
    "that search": _B + "{% for i in range(99999) %}{% if ('x' * 999 ~ 'y') in b %}{% endif %}{% endfor %}",
    "that search lists": "{% for i in range(99999) %}{% if 'a' in range(99999) %}{% endif %}{% endfor %}",
    "that test": "{{ range(99999)|select('in', range(99999)|map('string')|list)|list|length }}",
    "that look at letters": _B + "{% for i in range(99999) %}{% if b is lower %}{% endif %}{% endfor %}",
    "that change": "{% for i in range(9999) %}{% for j in range(9999) %}{% if loop.changed(j) %}{% endif %}"
    "{% endfor %}{% endfor %}",
    **{
        f"of {name}": "{% for i in range(9999) %}{% if " + expression + " %}{% endif %}{% endfor %}"
        for name, expression in {
            "split": "(',' * 99999).split(',')",
            "strip": "(' ' * 99999 ~ 'x').strip()",
            "casefold": "('ß' * 99999).casefold()",
            "unescape": "(('&amp;' * 9999)|safe).unescape()",
            "list": "('x' * 9999)|list",
            "sort": "range(9999)|sort(reverse=true)",
            "unique": "('ab' * 9999)|unique|list",
            "groupby": "('ab' * 49999)|groupby(0)|list",
            "batch": "range(99999)|batch(1)|list",
            "title": "('a-' * 49999)|title",
            "truncate": "('a ' * 49999)|truncate(9999)",
            "striptags": "('<!--a-->' * 9999)|striptags",
            "urlencode": "('é' * 9999)|urlencode",
            "xmlattr": "{'a': 'x' * 99999}|xmlattr",
            "wordwrap": "('x' * 19999)|wordwrap(1)",
            "wordwrap at hyphens": "('x-' * 9999)|wordwrap(2)",
            "urlize of brackets": "('(' * 9999 ~ ')' * 9999)|urlize",
            "urlize of links": "('a.com ' * 3000)|urlize(target='x' * 900)",
            "urlize of an address": "('a@' * 9999)|urlize",
            "int": "('9' * 4000)|int % 7",
            "int to another base": "('1' * 9999)|int(base=2) % 7",
            "power": "(99999 ** 64)|string|list",
        }.items()
    },
}

#: Operations that take 10 to 300 ms each, without a loop.
LONG_OPERATIONS = {
    name: _B + ("{% set t = " + expression + " %}") * 200
    for name, expression in {
        "sort": "b|list|sort",
        "groupby": "b|groupby(0)",
        "title": "('é-' * 40000)|title",
        "map": "b|map('upper')|list",
        "html_as_text": "('<p>&amp;' * 12000)|html_as_text",
        "split": "b.split('x')",
    }.items()
}
#: A text of nine megabytes, which may be put out.
_LONG = "{% set t %}{% for i in range(9000) %}" + "a," * 500 + "{% endfor %}{% endset %}"
TEXTS = {
    "a doubled text": "{% set a = 'x' * 10 %}" + "{% set a = a ~ a %}" * 60,
    "a sum of texts": "{% set a = 'x' * 10 %}" + "{% set a = a + a %}" * 60,
    "a captured text": "{% set a %}xxxx{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
    "a captured loop": _B + "{% set a %}{% for i in range(9999) %}{{ b }}{% endfor %}{% endset %}",
    "texts in with": "{% set a = 'x' * 10 %}" + "{% with a = a ~ a %}" * 15 + "{{ a }}" * 200 + "{% endwith %}" * 15,
    "slices": _B + "{% set a = [" + ", ".join(["b[1:]"] * 500) + "] %}",
    "replace": "{{ ('x' * 99999)|replace('x', 'y' * 99999) }}",
    "replace of nothing": "{{ ('x' * 99999)|replace('', 'y' * 99999) }}",
    "replace again and again": "{{ 'aaaa'" + "|replace('a', 'aaaaaaaaaaaaaaaa')" * 9 + " }}",
    "replace as a method": "{{ ('x' * 99999).replace('x', 'y' * 99999) }}",
    "join": "{{ ('x' * 99999)|join('y' * 99999) }}",
    "join as a method": "{{ ('x' * 99999).join('y' * 99999) }}",
    "join of one text": _B + "{{ (',' * 9999).split(',')|map('default', b, true)|join }}",
    "indent by a number": "{{ 'a'|indent(999999999, true) }}",
    "indent by a text": "{{ ('a\n' * 50000)|indent('x' * 99999) }}",
    "indent of empty lines": "{{ ('\n' * 99999)|indent(1000, true, true) }}",
    "wordwrap": "{{ ('x' * 19999)|wordwrap(1, wrapstring='y' * 9999) }}",
    "JSON in JSON": "{{ '\\\\'" + "|tojson" * 60 + " }}",
    "indented JSON": "{{ [1, 2]|tojson(indent=999999999) }}",
    "written lists of lists": "{{ 'a'" + "|list|string" * 40 + " }}",
    "a dictionary's format": _B + "{{ ('%(b)s' * 9999) % {'b': b} }}",
    **{
        f"{name} of a long text": _LONG + "{{ " + expression + " }}"
        for name, expression in {
            "split": "t.split(',')|length",
            "groupby": "t|groupby(0)|length",
            "wordcount": "t|wordcount",
            "unique": "t|unique|list|length",
            "map": "t|map('upper')|first",
            "urlize": "t|urlize|length",
            "rfind": "t.rfind('b')",
        }.items()
    },
    "many padded numbers": "{{ ('%(a)999d' * 10000) % {'a': 1} }}",
    "a precise number": "{{ '%.9999999999f' % 1 }}",
    "a width from elsewhere": "{{ '%*d' % (9999999999, 1) }}",
    "bytes": "{{ (1).to_bytes(9999999999, 'big') }}",
    "encoded padding": "{{ 'x'.encode().ljust(9999999999) }}",
    "translation": "{{ ('a' * 9999).translate({97: 'x' * 9999}) }}",
    "tabs": "{{ '\t'.expandtabs(9999999999) }}",
    "the whole part": "{% for i in range(9000) %}" + "z" * 3000 + "{% endfor %}",
}

LISTS_AND_NUMBERS = {
    "a list in a list": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "equal lists": "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 60
    + "{{ a == b }}",
    "a tuple in a tuple": "{% set a = () %}" + "{% set a = (a, a) %}" * 60 + "{{ a }}",
    "a dictionary in a dictionary": "{% set a = {} %}" + "{% set a = {1: a, 2: a} %}" * 60 + "{{ a }}",
    "dict()": "{% set a = {} %}" + "{% set a = dict(x=a, y=a) %}" * 60 + "{{ a }}",
    "a sum of lists": "{% set a = [1] %}" + "{% set a = a + a %}" * 60,
    "sum": "{{ (range(9999)|batch(1)|list)|sum(start=[]) }}",
    "a repeated list": "{{ [1] * 9999 }}",
    "many long lists": "{% set a = [" + ", ".join(["range(99999)|list"] * 500) + "] %}",
    "batch": "{{ [1]|batch(999999999, 'x')|list }}",
    "slice": "{{ [1]|slice(999999999)|list }}",
    "round up": "{{ 1|round(999999999, 'ceil') }}",
    "round down": "{{ 1|round(-999999999, 'floor') }}",
    "squares": "{% set a = 2 %}" + "{% set a = a * a %}" * 60,
    "a number in hex": "{{ ('f' * 99999)|int(base=16) % 3 }}",
    "a long number": "{{ " + "9" * 9999 + " }}",
    "a path": "{{ range(99999)|map('string')|map(attribute='" + ".".join("0" * 2000) + "')|list }}",
    "variable arguments": "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs + varargs) }}{% endif %}{% endmacro %}"
    "{{ m(100, 1, 2) }}",
    **{name: "{{ " + name + "() }}" for name in ("cycler", "joiner", "lipsum", "namespace")},
}

DEEP = {
    "loops": "".join(f"{{% for a{n} in [1] %}}" for n in range(25)) + "{% endfor %}" * 25,
    "parentheses": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "lists": "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "sums": "{{ 1" + "+1" * 3000 + " }}",
    "ifs": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "filters": "{{ 'a'" + "|upper" * 3000 + " }}",
    "negations": "{{ " + "not " * 3000 + "1 }}",
    "blocks": "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
}


_ATTACKS = {"loops": LOOPS, "long": LONG_OPERATIONS, "text": TEXTS, "big": LISTS_AND_NUMBERS, "deep": DEEP}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        pytest.param(source, size(1, 4) if kind == "loops" else 1, id=f"{kind} {name}")
        for kind, sources in {
            "loops": LOOPS,
            "long": LONG_OPERATIONS,
            "text": TEXTS,
            "big": LISTS_AND_NUMBERS,
            "deep": DEEP,
        }.items()
        for name, source in sources.items()
    ],
)
def test_what_would_never_end_or_fill_the_memory_ends_soon_with_an_error(
    write: WriteTemplate, source: str, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop may do a quarter of a mail's work in `make test`, and is over so much sooner. Others need the whole."""
    monkeypatch.setattr(budget, "MAX_WORK", MAX_WORK // part)
    started = time.thread_time()
    with pytest.raises(TemplateError):
        write(text=source, files={"part.txt": "{{ 'x' * 100 }}"}).preview({})
    assert time.thread_time() - started < _SOON


@pytest.mark.parametrize("units", ["-10**9", "'nan'|float"])
def test_no_template_can_raise_its_own_budget(write: WriteTemplate, units: str) -> None:
    raises = "{{ [" + units + "]|map('ses:turn')|list }}"
    with pytest.raises(TemplateError, match="'ses:turn' is not open to templates"):
        write(text=raises).preview({})


def test_nothing_is_computed_while_a_template_is_only_read() -> None:
    used = []
    for operation in (operations({"upper": used.append})["upper"], paid_tests()["lower"]):
        with pytest.raises(LookupError):
            operation("x")
    assert not used


def test_a_text_of_a_list_is_no_longer_than_any_other(write: WriteTemplate) -> None:
    with pytest.raises(TemplateError, match="a text of more than 200000 characters"):
        write(text=_B + "{{ [b, c, b] }}").preview({})


def test_files_that_include_each_other_many_times_are_refused_when_they_are_loaded(write: WriteTemplate) -> None:
    files = {f"parts/{n}.txt": f"{{% include 'parts/{n + 1}.txt' %}}" * 10 for n in range(15)}
    started = time.thread_time()
    with pytest.raises(TemplateError, match="more than 500 files"):
        write(text="{% include 'parts/0.txt' %}", files={**files, "parts/15.txt": "x"})
    assert time.thread_time() - started < _SOON


def test_a_file_that_is_longer_than_any_mail_is_no_template(write: WriteTemplate) -> None:
    with pytest.raises(TemplateError, match=rf"body\.txt has more than {MAX_FILE} bytes"):
        write(text="x" * MAX_FILE + "x")


@pytest.mark.parametrize(
    "source", ["{% if 1 %}x{% endif %}" * 50_000, "{{ [" + "1," * 500_000 + "] }}", "{{" * 500_000]
)
def test_a_file_that_would_take_minutes_to_compile_is_refused_at_once(write: WriteTemplate, source: str) -> None:
    started = time.thread_time()
    with pytest.raises(TemplateError, match=r"body\.txt has more than 100000 characters in tags"):
        write(text=source)
    assert time.thread_time() - started < _SOON


def test_a_text_for_everybody_costs_nothing_of_the_next_one(write: WriteTemplate) -> None:
    template = write(text="{% for i in range(" + str(MAX_WORK // 1000) + ") %}{% endfor %}{{ name }}")
    assert [template.preview({"name": name}).text for name in "abcdefghijklmnop"] == list("abcdefghijklmnop")


@pytest.mark.parametrize(
    "source",
    [
        "{% for row in tags.split(',')|batch(2, '-') %}{{ row|join('|') }}{{ loop.index }}/{{ loop.length }};"
        "{% endfor %}",
        "{% for column in tags.split(',')|slice(2) %}{{ column|join }};{% else %}none{% endfor %}",
        "{% for tag in tags.split(',') if tag != 'b' %}{{ loop.revindex }}{{ tag }}{{ loop.cycle('odd', 'even') }}"
        "{% endfor %}",
        "{% for tag in tags.split(',')|sort(reverse=true) %}{% if not loop.last %}{{ tag }}, {% endif %}{% endfor %}",
        "{% for a in [[1, 2], [3]] %}{% for b in a %}{{ loop.index }}{{ b }}{% if b == 2 %}!{% endif %};{% endfor %}"
        "{% endfor %}",
        "{% macro link(to, text='here') %}<a href='{{ to }}'>{{ text }}{{ caller() if caller is defined }}</a>"
        "{% endmacro %}"
        "{{ link('x', name) }}{% call link('y') %}!{% endcall %}",
        "{% set shout %}{{ name }}!{% endset %}{{ shout * 2 }}{% filter upper %}{{ name }}{% endfilter %}",
        "{% with a = name ~ 1 ~ total, b = -1 %}{{ a }}{{ b + 2 - 3 / 4 // 1 % 5 }}{% endwith %}",
        "{% for p in [{'n': 'Mug', 'p': 3}, dict(n='Hat', p=5)] %}{{ p.n }}{{ p['p'] }}{{ p.keys()|join }}{% endfor %}",
        "{{ [{'n': 'Mug'}]|map(attribute='n')|join }}{{ [3, 1]|sum }}{{ [3, 1]|max }}{{ {'b': 1, 'a': 2}|dictsort }}",
        "{% if 1 < total|int <= 3 and name in ['Ann'] and name is defined %}yes{% elif x %}{% endif %}",
        "{{ '%s has %05.1f%%' % (name, total|float) }}{{ tags[1:]|replace(',', '; ')|title }}{{ tags[-1] }}"
        "{{ name.lower() }}",
        "{{ name|tojson }}{{ '<b>x</b>'|striptags }}{{ 'a b'|wordwrap(1) }}{{ 'a\nb'|indent(2) }}{{ 'x.com'|urlize }}",
        "{% autoescape true %}{{ '<' }}{{ name ~ '>'|safe }}{{ ['<'|safe, '>']|join('&') }}{% endautoescape %}",
        "{% block head %}{{ name }}{% endblock %}{{ self.head() }}{% for g in ['ab', 'ac']|groupby(0) %}"
        "{{ g.grouper }}{{ g.list }}{% endfor %}",
    ],
)
@pytest.mark.parametrize("file", ["text", "html"])
def test_it_is_what_jinja2_renders(write: WriteTemplate, source: str, file: str) -> None:
    values = {"name": "Ann", "total": "3", "tags": "c,a,b", "x": ""}
    expected = Environment(autoescape=file == "html").from_string(source).render(values)
    preview = write(**{"text": "-", file: source}).preview(values)
    assert getattr(preview, file) == expected
