"""A template can read its values and the files beside it, and nothing else; it cannot take the machine down."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jinja2 import nodes

from ses_ops.errors import TemplateError
from ses_ops.rendering.allowed_nodes import ALLOWED
from tests.unit.rendering.conftest import WriteTemplate


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x|attr('__class__') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ x.upper.__self__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ range.__init__ }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ _private }}",
        "{{ [].append(1) }}",
        "{{ x.encode.__func__ }}",
    ],
)
def test_what_leads_out_of_the_sandbox_is_refused(write: WriteTemplate, source: str) -> None:
    with pytest.raises(TemplateError):
        write(text=source).preview({"x": "v"})


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(90000) %}{% for j in range(90000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 10**10 }}",
        "{{ [1] * 10**10 }}",
        "{{ 9**9**9 }}",
        "{{ 10 ** 1000000 }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ 'x'.ljust(9999999999) }}",
        "{{ 'x'|center(9999999999) }}",
        "{{ '{:9999999999}'.format(1) }}",
        "{{ lipsum(n=100000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'letter/body.txt' %}",
    ],
)
def test_what_would_fill_the_memory_or_never_end_is_refused_soon(write: WriteTemplate, source: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateError):
        write(text=source).preview({})
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "path", ["../secret.txt", "/etc/passwd", "letter/../../secret.txt", "letter/link.txt", "no-such.html", "letter\x00"]
)
def test_a_file_outside_the_folder_of_templates_cannot_be_included(
    write: WriteTemplate, tmp_path: Path, path: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    templates = tmp_path / "templates"
    (templates / "letter").mkdir(parents=True)
    (templates / "letter" / "link.txt").symlink_to(secret)
    with pytest.raises(TemplateError, match="not in the folder"):
        write(text="{% include " + repr(path) + " %}", name=["templates", "letter", "sub"][0])


def test_the_name_of_an_included_file_cannot_come_from_a_value(write: WriteTemplate) -> None:
    with pytest.raises(TemplateError, match="fixed text"):
        write(text="{% include x %}")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("{% for a in [[1], [2]] recursive %}{{ loop(a) }}{% endfor %}", "recursive"),
        ("{% set m.kept = 'x' %}", "namespace"),
    ],
)
@pytest.mark.parametrize("part", ["html", "text"])
def test_what_is_no_part_of_mail_templates_is_refused_with_its_file_and_line(
    write: WriteTemplate, source: str, word: str, part: str
) -> None:
    says = rf"'{word}' is no part of mail templates; they can have values, filters, if, .* \(line 3 of part\.{part}\)"
    with pytest.raises(TemplateError, match=says):
        write(**{part: f"{{% include 'part.{part}' %}}"}, files={f"part.{part}": f"a\n\n{source}"})


def test_the_list_of_allowed_nodes_has_all_that_jinja2_knows_but_these() -> None:
    """A version of Jinja2 with another node fails here, and refuses it in templates until somebody has looked at it."""
    known = {kind for kind in vars(nodes).values() if isinstance(kind, type) and issubclass(kind, nodes.Node)}
    not_allowed = {kind.__name__ for kind in known - ALLOWED}
    base_classes = {"Node", "Stmt", "Helper", "Expr", "BinExpr", "UnaryExpr", "Literal", "_FilterTestCommon"}
    of_extensions = {"Break", "Continue", "ExprStmt", "OverlayScope", "EvalContextModifier"}
    of_python = {"EnvironmentAttribute", "ExtensionAttribute", "ImportedName", "InternalName", "ContextReference"}
    of_contexts = {"DerivedContextReference", "MarkSafe", "MarkSafeIfAutoescape"}
    assert not_allowed == base_classes | of_extensions | of_python | of_contexts | {"NSRef"}


def test_a_loop_over_a_given_list(write: WriteTemplate) -> None:
    source = "{% for line in lines %}{{ loop.index }}. {{ line.count }} {{ line['name'] | upper }};{% endfor %}"
    template = write(html=source + "{{ lines | sum(attribute='count') }}")
    assert template.variables == {"lines"}
    lines = [{"name": "Mug & cup", "count": 2}, {"name": "Hat", "count": 1}]
    assert template.html is not None
    assert template.html.render({"lines": lines}) == "1. 2 MUG &amp; CUP;2. 1 HAT;3"


def test_ordinary_expressions_work(write: WriteTemplate) -> None:
    source = (
        "{{ name|upper }} {{ name[:1] }} {{ '%.2f' % total|float }} {{ 3 * 4 }} {{ '-' * 10 }} {{ 2 ** 8 }} "
        "{{ name|truncate(3) }} {% for tag in tags.split(',') %}{{ loop.index }}{{ tag }}{% endfor %}"
    )
    preview = write(text=source).preview({"name": "Ann", "total": "3", "tags": "a,b"})
    assert preview.text == "ANN A 3.00 12 ---------- 256 Ann 1a2b"


@pytest.mark.parametrize(
    "source",
    [
        "{{ [x.upper] }}",
        "{{ {'a': x.upper} }}",
        "{{ {'a': [(x.upper,)]}.items() }}",
        "{{ '%s' % x.upper }}",
        "{{ '%(a)s' % {'a': x.upper} }}",
        "{{ 'a' ~ [x.upper] }}",
        "{{ [x.upper]|join }}",
        "{{ [[x.upper]]|first }}",
        "{{ x|replace('v', x.upper) }}",
        "{{ [{'a': x.upper}]|map(attribute='a')|join }}",
        "{% macro m() %}{% endmacro %}{{ [m] }}",
        "{% for i in [1] %}{{ {1: loop} }}{% endfor %}",
    ],
)
def test_no_mail_shows_a_part_of_the_program_however_deep(write: WriteTemplate, source: str) -> None:
    with pytest.raises(TemplateError, match="were its brackets forgotten"):
        write(text=source).preview({"x": "v"})
