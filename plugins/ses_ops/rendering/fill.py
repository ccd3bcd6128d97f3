"""The fast way to fill a template in: a function of a recipient's values, made once, that needs no interpreter.

Most templates are texts, `{{ name }}`, `{{ name | urlencode }}` and `{% if name %} ... {% endif %}`. Filled in here, a
message takes half the time that Jinja2's own code takes. Of a message of 4 kB some 100 characters are
the recipient's own. So for bodies the template's texts are encoded once a task, each value once a message, however
often it stands in text and HTML, and the rest is one join.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import nodes

from ses_ops.domain.template_variables import UNSUBSCRIBE_URL
from ses_ops.rendering.quoted_printable import SOFT_BREAK, encode_piece

#: What is done to each value at last: HTML's escaping, for example.
Convert = Callable[[str], Any]
#: A function of a recipient's values that makes a text in pieces, or bodies.
Pieces = Callable[[Mapping[str, str]], list[str]]
Bodies = Callable[[Mapping[str, str]], Sequence[bytes]]
_Filters = Mapping[str, Callable[..., Any]]
#: The name of the link to the own unsubscribe page (own_link.py) among the values, encoded for a body. No template can
#: write this name.
READY_LINK = "ses:unsubscribe_url encoded"
#: The names of a message's tokens among the values of tracked mail (tracking.py), and of each encoded for a body. No
#: template can read a name that begins with `_`, and a group cannot have it.
CLICK_TOKEN, OPEN_TOKEN = "_ses_click_token", "_ses_open_token"
READY = {UNSUBSCRIBE_URL: READY_LINK, CLICK_TOKEN: "ses:click encoded", OPEN_TOKEN: "ses:open encoded"}
#: Ifs in ifs, and filters of one value; more of them are Jinja2's business.
MAX_DEPTH = 10
#: A value of one line that neither HTML nor quoted-printable writes otherwise: printable ASCII without & < > ' " and =,
#: no dot and no `From ` at the beginning, no space at the end.
_is_plain = re.compile(r"(?!\.|From )[ !#$%()*+,\-./0-9:;?@A-Z\[\\\]^_`a-z{|}~]{1,70}(?<! )").fullmatch


class JsonValues(dict[str, Any]):
    """Values that are not all texts: a template that shows one of them needs Jinja2."""


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


# --- from Jinja2's tree to steps


def steps_of(tree: nodes.Template, filters: _Filters) -> tuple[Step, ...] | None:
    """The template's texts, values and ifs, or None when it has anything else.

    `filters` are those to use: the environment's own pay for each use, and there is nothing here that could run away.
    """
    try:
        return _steps(filters, tree.body)
    except _NeedsJinja:
        return None


class _NeedsJinja(Exception):
    """The template has something besides texts, values and ifs."""


def _steps(known: _Filters, body: list[nodes.Node], depth: int = 0) -> tuple[Step, ...]:
    steps: list[Step] = []
    for node in body:
        if isinstance(node, nodes.Output):
            steps += (_output(known, expression) for expression in node.nodes)
        elif isinstance(node, nodes.If) and not node.elif_ and depth < MAX_DEPTH:
            name, filters = _filtered(known, node.test)
            if filters:
                raise _NeedsJinja
            then, otherwise = (_steps(known, body, depth + 1) for body in (node.body, node.else_))
            steps.append(Choice(name=name, then=then, otherwise=otherwise))
        else:
            raise _NeedsJinja
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
        raise _NeedsJinja
    function: Any = known.get(node.name)
    arguments = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    # Those that ask for the environment or the context are Jinja2's business.
    if function is None or hasattr(function, "jinja_pass_arg") or len(arguments) != len(node.args):
        raise _NeedsJinja
    name, before = _filtered(known, node.node)
    if len(before) >= MAX_DEPTH:
        raise _NeedsJinja
    return name, (*before, function if not arguments else lambda value: function(value, *arguments))


# --- from steps to Python


def pieces_of(steps: tuple[Step, ...], finish: Convert | None) -> Pieces:
    """Makes the template's own texts (the same objects every time) and the values between them, in order.

    It gives exactly what Jinja2 would render, as long as every value is a text. At last each goes through `finish`.
    Raises KeyError when a value is missing, and whatever a filter raises.
    """
    code = _Code()
    return code.function(f"[{code.items(steps, finish)}]")


def bodies_of(
    parts: Sequence[tuple[tuple[Step, ...], Convert | None]], *, ready: Collection[str] = frozenset()
) -> Bodies:
    """Makes a body in quoted-printable of the steps of each part; raises as `pieces_of` and `encode_piece` do.

    `ready`: of these names of READY, the values have what is encoded, too.
    """
    code = _EncodedCode(ready=ready)
    bodies = ", ".join(code.body(steps, finish) for steps, finish in parts)
    return code.function(f"({bodies},)")


class _Code:
    """Python that is made out of steps. Whatever the template brings along is behind a name, never in the code."""

    def __init__(self) -> None:
        self._meanings: dict[str, Any] = {"__builtins__": {}}
        self._lines: list[str] = []

    def function(self, result: str) -> Callable[[Mapping[str, str]], Any]:
        """What returns this expression."""
        lines = ["def fill(values):", *self._lines, f"return {result}"]
        exec("\n    ".join(lines), self._meanings)  # noqa: S102
        made: Callable[[Mapping[str, str]], Any] = self._meanings["fill"]
        return made

    def items(self, steps: tuple[Step, ...], finish: Convert | None) -> str:
        """The items of a list of texts."""
        return "".join(f"{self._item(step, finish)}, " for step in steps)

    def _item(self, step: Step, finish: Convert | None) -> str:
        if isinstance(step, str):
            return self._name(self._text(step))
        if isinstance(step, Choice):
            then, otherwise = (self.items(one, finish) for one in (step.then, step.otherwise))
            return f"*([{then}] if values[{self._name(step.name)}] else [{otherwise}])"
        return self._value(step, finish)

    def _text(self, text: str) -> str:
        return text

    def _value(self, value: Value, finish: Convert | None) -> str:
        return f"{self._name(finish)}({self._raw(value)})" if finish else self._raw(value)

    def _raw(self, value: Value) -> str:
        """A recipient's value with its filters; it raises TypeError when one makes no text."""
        code = f"values[{self._name(value.name)}]"
        for convert in value.filters:
            code = f"{self._name(convert)}({code})"
        return f"{self._name(_checked)}({code})" if value.filters else code

    def _name(self, meaning: object) -> str:
        """A name that means this."""
        name = f"n{len(self._meanings)}"
        self._meanings[name] = meaning
        return name


class _EncodedCode(_Code):
    """The same for bodies: each text begins a line and ends one. Each value is a variable, encoded before all else."""

    def __init__(self, *, ready: Collection[str]) -> None:
        super().__init__()
        self._ready = {name: READY[name] for name in ready}
        #: Variables by what they hold: raw values by name and filters; encoded ones by those and what was done before.
        self._variables: dict[object, str] = {}
        self._plain = self._name(_is_plain)
        self._encode = self._name(_encoded)
        self._break = self._name(SOFT_BREAK.decode())
        self._join = self._name("".join)
        self._close = self._name(_closed)

    def body(self, steps: tuple[Step, ...], finish: Convert | None) -> str:
        """An expression that is a body's octets."""
        return f"{self._close}({self._join}([{self.items(steps, finish)}]))"

    def _text(self, text: str) -> str:
        return _encoded(text)

    def _value(self, value: Value, finish: Convert | None) -> str:
        if value.name in self._ready and not value.filters:
            return f"values[{self._name(self._ready[value.name])}]"
        raw = self._variable((value.name, value.filters), lambda: self._raw(value))
        plain = self._variable((raw, "plain"), lambda: f"{self._plain}({raw})")
        text = self._variable((raw, None), lambda: f"{raw} + {self._break} if {plain} else {self._encode}({raw})")
        if finish is None:
            return text
        again = self._name(partial(_finished, finish))
        return self._variable((raw, finish), lambda: f"{text} if {plain} else {again}({raw}, {text})")

    def _variable(self, key: object, code: Callable[[], str]) -> str:
        if key not in self._variables:
            line = code()
            self._variables[key] = f"v{len(self._variables)}"
            self._lines.append(f"{self._variables[key]} = {line}")
        return self._variables[key]


def _checked(value: Any) -> Any:
    if not isinstance(value, str):
        raise TypeError("a filter has made something else than a text")
    return value


def _finished(finish: Convert, value: str, encoded: str) -> str:
    """A value that is not plain, encoded after `finish`; `encoded` is what it is without that."""
    finished = finish(value)
    return encoded if finished is value else _encoded(finished)


def _encoded(value: str) -> str:
    return encode_piece(value).decode("ascii")


def _closed(body: str) -> bytes:
    encoded = body.encode("ascii")
    # After a soft line break, a line break ends the line that is still open.
    return encoded + b"\r\n" if encoded.endswith(SOFT_BREAK) else encoded
