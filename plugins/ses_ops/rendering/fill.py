"""Templates that need no interpreter: text, `{{ name }}`, `{{ name | urlencode }}`, `{% if name %} ... {% endif %}`.

Most templates are nothing else. Filled in like this a message takes half the time that Jinja2's own code takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, nodes

Convert = Callable[[str], Any]
_Filters = Mapping[str, Callable[..., Any]]
#: Ifs in ifs, and filters of one value; more of them are Jinja2's business.
MAX_DEPTH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """`{{ name | first | second }}`."""

    name: str
    filters: tuple[Convert, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """`{% if name %} ... {% else %} ... {% endif %}`."""

    name: str
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


Step = str | Value | Choice
#: The template's own texts (the same objects every time) and the values between them, in order. Raises KeyError when a
#: value is missing, and whatever a filter raises.
FlatPart = Callable[[Mapping[str, str]], list[str]]


def flat_part(
    environment: Environment, source: str, finish: Convert | None, filters: Mapping[str, Callable[..., Any]]
) -> FlatPart | None:
    """A function that fills the template in, or None when it has anything besides what stands above.

    It gives exactly what Jinja2 would render, as long as every value is a text. At last each goes through `finish`.
    `filters` are those to use: the environment's own pay for each use, and there is nothing here that could run away.
    """
    steps = flat_steps(environment, source, filters)
    if steps is None:
        return None
    names = Names()
    made: FlatPart = eval(f"lambda values: [{_code_of(names, steps, finish)}]", names.meanings)  # noqa: S307
    return made


def flat_steps(
    environment: Environment, source: str, filters: Mapping[str, Callable[..., Any]]
) -> tuple[Step, ...] | None:
    """The template's texts, values and ifs, or None when it has anything else."""
    try:
        return _steps(filters, environment.parse(source).body)
    except _NotFlat:
        return None


class Names:
    """For code that is made out of steps: whatever the template brings along is behind a name, never in the code."""

    def __init__(self) -> None:
        self.meanings: dict[str, Any] = {"__builtins__": {}}

    def name(self, meaning: object) -> str:
        """A name that means this."""
        name = f"n{len(self.meanings)}"
        self.meanings[name] = meaning
        return name

    def value(self, step: Value) -> str:
        """An expression: a recipient's value of `values` with its filters; raises TypeError when one makes no text."""
        code = f"values[{self.name(step.name)}]"
        for convert in step.filters:
            code = f"{self.name(convert)}({code})"
        return f"{self.name(_text)}({code})" if step.filters else code


def _code_of(names: Names, steps: tuple[Step, ...], finish: Convert | None) -> str:
    """The items of a list."""
    return "".join(f"{_item(names, step, finish)}, " for step in steps)


def _item(names: Names, step: Step, finish: Convert | None) -> str:
    if isinstance(step, str):
        return names.name(step)
    if isinstance(step, Choice):
        then, otherwise = (_code_of(names, one, finish) for one in (step.then, step.otherwise))
        return f"*([{then}] if values[{names.name(step.name)}] else [{otherwise}])"
    value = names.value(step)
    return f"{names.name(finish)}({value})" if finish else value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError("a filter has made something else than a text")
    return value


class _NotFlat(Exception):
    """The template needs Jinja2."""


def _steps(known: _Filters, body: list[nodes.Node], depth: int = 0) -> tuple[Step, ...]:
    steps: list[Step] = []
    for node in body:
        if isinstance(node, nodes.Output):
            steps += (_output(known, expression) for expression in node.nodes)
        elif isinstance(node, nodes.If) and not node.elif_ and depth < MAX_DEPTH:
            name, filters = _filtered(known, node.test)
            if filters:
                raise _NotFlat
            then, otherwise = (_steps(known, body, depth + 1) for body in (node.body, node.else_))
            steps.append(Choice(name=name, then=then, otherwise=otherwise))
        else:
            raise _NotFlat
    return tuple(steps)


def _output(known: _Filters, node: nodes.Expr) -> Step:
    if isinstance(node, nodes.TemplateData):
        return node.data
    name, filters = _filtered(known, node)
    return Value(name=name, filters=filters)


def _filtered(known: _Filters, node: nodes.Node | None) -> tuple[str, tuple[Convert, ...]]:
    """A variable's name, and the filters behind it in their order."""
    if isinstance(node, nodes.Name):
        return node.name, ()
    if not isinstance(node, nodes.Filter) or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise _NotFlat
    function: Any = known.get(node.name)
    arguments = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    # Those that ask for the environment or the context are Jinja2's business.
    if function is None or hasattr(function, "jinja_pass_arg") or len(arguments) != len(node.args):
        raise _NotFlat
    name, before = _filtered(known, node.node)
    if len(before) >= MAX_DEPTH:
        raise _NotFlat
    return name, (*before, function if not arguments else lambda value: function(value, *arguments))
