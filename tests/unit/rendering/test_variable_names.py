"""A name in a template is a variable, whatever else has that name: in Jinja2, in Python, in the code of both."""

from __future__ import annotations

import builtins
import keyword

import pytest
from jinja2.defaults import DEFAULT_FILTERS, DEFAULT_NAMESPACE, DEFAULT_TESTS

from ses_ops.domain.template_variables import check_variable_name, compare_variables
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.rendering.unsubscribe_link import UnsubscribeLink
from tests.unit.rendering.conftest import WriteTemplate

#: Names in the code that Jinja2 makes of a template.
_IN_THE_CODE = (
    "context",
    "environment",
    "resolve",
    "undefined",
    "blocks",
    "name",
    "parent",
    "missing",
    "escape",
    "root",
)


def _can_be_variable(name: str) -> bool:
    try:
        check_variable_name(name)
    except InvalidInput:
        return False
    return True


_NAMES = sorted(
    name
    for name in {*DEFAULT_NAMESPACE, *DEFAULT_FILTERS, *DEFAULT_TESTS, *keyword.kwlist, *dir(builtins), *_IN_THE_CODE}
    if name.isidentifier() and _can_be_variable(name)
)


@pytest.mark.parametrize("name", _NAMES)
def test_a_variable_of_any_name_is_one_like_any_other(write: WriteTemplate, name: str) -> None:
    around = f"{{% for i in [1] %}}{{{{ {name} }}}}{{% endfor %}}"
    template = write(
        subject=f"{{{{ {name} }}}}",
        html=f"{{{{ {name} }}}}{{{{ {name} | upper }}}}{{% if {name} %}}!{{% endif %}}",
        text=around + f"{{{{ dict(a={name}).a }}}}",
    )
    assert template.variables == {name}
    compare_variables(template.variables_for(), [name])
    seen = template.preview({name: "<v>"})
    assert (seen.subject, seen.html, seen.text) == ("<v>", "&lt;v&gt;&lt;V&gt;!", "<v><v>")
    assert template.variables_for(unsubscribe_url=f"https://x.example/{{{{ {name} }}}}") == {name}
    link = UnsubscribeLink(f"https://x.example/{{{{ {name} }}}}", template)
    assert link.render({name: "<v>"}) == "https://x.example/%3Cv%3E"


@pytest.mark.parametrize("name", ["range", "dict", "lipsum", "cycler", "joiner", "namespace"])
def test_without_a_value_it_is_missing_and_never_a_function(write: WriteTemplate, name: str) -> None:
    for source in (f"{{{{ {name} }}}}", f"{{% for i in [1] %}}{{{{ {name} }}}}{{% endfor %}}"):
        template = write(text=source)
        with pytest.raises(TemplateError, match="undefined"):
            template.preview({})
        with pytest.raises(InvalidInput, match=f"needs {name}"):
            compare_variables(template.variables_for(), [])


def test_a_function_can_be_called_beside_a_column_of_its_name(write: WriteTemplate) -> None:
    template = write(text="{{ range }}: {% for i in range(3) %}{{ i }}{% endfor %} {{ dict(dict, b=1).b }}{{ dict.a }}")
    assert template.variables == {"range", "dict"}
    template = write(text="{{ range }}: {% for i in range(3) %}{{ i }}{% endfor %} {{ dict(b=1).b }}")
    assert template.variables == {"range"}
    assert template.preview({"range": "Alps"}).text == "Alps: 012 1"


def test_what_a_template_calls_range_itself_is_that(write: WriteTemplate) -> None:
    template = write(text="{% macro range(n) %}<{{ n }}>{% endmacro %}{{ range(3) }}")
    assert template.variables == frozenset()
    assert template.preview({}).text == "<3>"
    template = write(
        text="{% from 'letter/m.txt' import list as dict %}{{ dict(3) }}",
        files={"letter/m.txt": "{% macro list(n) %}<{{ n }}>{% endmacro %}"},
    )
    assert template.preview({}).text == "<3>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.upper }}",
        "{{ name.upper | trim }}",
        "{{ 'Dear ' ~ name.upper }}",
        "{% for i in [1] %}{{ loop }}{% endfor %}",
        "{% for i in [1] %}{{ loop.cycle }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m }}",
        "{% block b %}{% endblock %}{{ self.b }}",
        "{{ self }}",
    ],
)
def test_a_part_of_the_program_is_never_written_into_a_mail(write: WriteTemplate, source: str) -> None:
    with pytest.raises(TemplateError, match="a part of the program"):
        write(text=source).preview({"name": "Ann"})
    with pytest.raises(TemplateError, match="a part of the program"):
        write(html=source).preview({"name": "Ann"})


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m(f) %}{{ f() }}{% endmacro %}{% macro g() %}x{% endmacro %}{{ m(g) }}",
        "{% macro m() %}{{ caller() if caller is defined else 'x' }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% if caller %}{{ caller() }}{% endif %}{% endmacro %}{% call m() %}x{% endcall %}",
        "{% import 'letter/m.txt' as m %}{{ m }}",
    ],
)
def test_macros_can_be_handed_on(write: WriteTemplate, source: str) -> None:
    assert write(text=source, files={"letter/m.txt": "x"}).preview({}).text == "x"
