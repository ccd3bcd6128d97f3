"""Templates that need no interpreter: text, `{{ name }}`, `{{ name | urlencode }}`, `{% if name %} ... {% endif %}`.

Most templates are nothing else. Filled in like this a message takes half the time that Jinja2's own code takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, nodes

Convert = Callable[[str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """`{{ name | first | second }}`."""

    name: str
    filters: tuple[Convert, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """`{% if name %} ... {% else %} ... {% endif %}`."""

    name: str
    then: tuple[_Step, ...]
    otherwise: tuple[_Step, ...]


_Step = str | _Value | _Choice


class FlatPart:
    """One part of a template, as steps."""

    def __init__(self, steps: tuple[_Step, ...], finish: Convert | None) -> None:
        """`finish` is what every value goes through at last."""
        self._steps = steps
        self._finish = finish

    def pieces(self, values: Mapping[str, str]) -> list[str]:
        """The template's own texts (the same objects every time) and values, in order.

        Raises KeyError when a value is missing, and whatever a filter raises.
        """
        pieces: list[str] = []
        self._fill(self._steps, values, pieces)
        return pieces

    def _fill(self, steps: tuple[_Step, ...], values: Mapping[str, str], pieces: list[str]) -> None:
        finish = self._finish
        for step in steps:
            kind = step.__class__
            if kind is str:
                pieces.append(step)  # type: ignore[arg-type]
            elif kind is _Value:
                value = values[step.name]  # type: ignore[union-attr]
                for convert in step.filters:  # type: ignore[union-attr]
                    value = convert(value)
                if not isinstance(value, str):
                    raise TypeError("a filter has made something else than a text")
                pieces.append(finish(value) if finish else value)
            else:
                self._fill(step.then if values[step.name] else step.otherwise, values, pieces)  # type: ignore[union-attr]


def flat_part(environment: Environment, source: str, finish: Convert | None) -> FlatPart | None:
    """The template in steps, or None when it has anything besides what stands above.

    What it stands for is exactly what Jinja2 would render, as long as every value is a text.
    """
    try:
        return FlatPart(_steps(environment, environment.parse(source).body), finish)
    except _NotFlat:
        return None


class _NotFlat(Exception):
    """The template needs Jinja2."""


def _steps(environment: Environment, body: list[nodes.Node]) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    for node in body:
        if isinstance(node, nodes.Output):
            steps += (_output(environment, expression) for expression in node.nodes)
        elif isinstance(node, nodes.If) and not node.elif_:
            name, filters = _filtered(environment, node.test)
            if filters:
                raise _NotFlat
            then, otherwise = _steps(environment, node.body), _steps(environment, node.else_)
            steps.append(_Choice(name=name, then=then, otherwise=otherwise))
        else:
            raise _NotFlat
    return tuple(steps)


def _output(environment: Environment, node: nodes.Expr) -> _Step:
    if isinstance(node, nodes.TemplateData):
        return node.data
    name, filters = _filtered(environment, node)
    return _Value(name=name, filters=filters)


def _filtered(environment: Environment, node: nodes.Node | None) -> tuple[str, tuple[Convert, ...]]:
    """A variable's name, and the filters behind it in their order."""
    if isinstance(node, nodes.Name) and node.name not in environment.globals:
        return node.name, ()
    if not isinstance(node, nodes.Filter) or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise _NotFlat
    function: Any = environment.filters.get(node.name)
    arguments = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    # Those that ask for the environment or the context are Jinja2's business.
    if function is None or hasattr(function, "jinja_pass_arg") or len(arguments) != len(node.args):
        raise _NotFlat
    name, before = _filtered(environment, node.node)
    return name, (*before, function if not arguments else lambda value: function(value, *arguments))
