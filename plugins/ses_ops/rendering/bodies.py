"""The bodies of a task's messages: one function, compiled once a task, makes them from a recipient's values.

Of a message of 4 kB some 100 characters are the recipient's own. So the template's texts are encoded once a task, each
value once a message, however often it stands in text and HTML, and the rest is one join.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ses_ops.rendering.environment import CompiledPart
from ses_ops.rendering.fill import Choice, Names, Step, Value
from ses_ops.rendering.quoted_printable import SOFT_BREAK, BodyEncoder, encode_piece

#: Makes a body in quoted-printable for each part. Raises what is wrong with the values.
Bodies = Callable[[Mapping[str, str]], Sequence[bytes]]
#: HTML's escaping.
Finish = Callable[[str], str]
#: A value of one line that neither HTML nor quoted-printable writes otherwise: printable ASCII without & < > ' " and =,
#: no dot and no `From ` at the beginning, no space at the end.
_is_plain = re.compile(r"(?!\.|From )[ !#$%()*+,\-./0-9:;?@A-Z\[\\\]^_`a-z{|}~]{1,70}(?<! )").fullmatch


def message_bodies(parts: Sequence[tuple[str, CompiledPart | None]]) -> Bodies:
    """For parts with the names that errors have for them; for a part that is None the body is empty.

    The function raises InvalidInput or TemplateError when a message cannot be made.
    """
    encoder = BodyEncoder()

    def one_by_one(values: Mapping[str, str]) -> Sequence[bytes]:
        return [encoder.encode(part.pieces(values), name) if part else b"" for name, part in parts]

    together = _compiled([part for _, part in parts])
    if together is None:
        return one_by_one

    def bodies(values: Mapping[str, str]) -> Sequence[bytes]:
        try:
            return together(values)
        except Exception:
            # Made the long way, or told what is wrong with it.
            return one_by_one(values)

    return bodies


def _compiled(parts: Sequence[CompiledPart | None]) -> Bodies | None:
    """None when a part needs Jinja2."""
    code = _Code()
    results = []
    for part in parts:
        steps = part.steps() if part else ()
        if steps is None:
            return None
        results.append(code.body(steps, part.finish if part else None))
    return code.function(results)


class _Code:
    """Python for the parts of a message. Each value has a variable of its own, which is encoded before all else."""

    def __init__(self) -> None:
        self._names = Names()
        self._lines: list[str] = []
        #: Variables by what they hold: raw values by name and filters; encoded ones by those and what was done before.
        self._variables: dict[object, str] = {}
        self._plain = self._names.name(_is_plain)
        self._encode = self._names.name(_encode)
        self._break = self._names.name(SOFT_BREAK.decode())
        self._join = self._names.name("".join)
        self._close = self._names.name(_closed)

    def body(self, steps: tuple[Step, ...], finish: Finish | None) -> str:
        """An expression that is a body's octets."""
        return f"{self._close}({self._join}([{self._items(steps, finish)}]))"

    def function(self, results: Sequence[str]) -> Bodies:
        """What returns these expressions."""
        lines = ["def bodies(values):", *self._lines, f"return ({', '.join(results)},)"]
        # Nothing of a template is in the code itself: see Names.
        exec("\n    ".join(lines), self._names.meanings)  # noqa: S102
        made: Bodies = self._names.meanings["bodies"]
        return made

    def _items(self, steps: tuple[Step, ...], finish: Finish | None) -> str:
        """The items of a list of texts, each of which begins a line and ends one."""
        return "".join(f"{self._item(step, finish)}, " for step in steps)

    def _item(self, step: Step, finish: Finish | None) -> str:
        if isinstance(step, str):
            return self._names.name(_encode(step))
        if isinstance(step, Choice):
            then, otherwise = (self._items(one, finish) for one in (step.then, step.otherwise))
            return f"*([{then}] if values[{self._names.name(step.name)}] else [{otherwise}])"
        return self._encoded(step, finish)

    def _encoded(self, value: Value, finish: Finish | None) -> str:
        raw = self._variable((value.name, value.filters), lambda: self._names.value(value))
        plain = self._variable((raw, "plain"), lambda: f"{self._plain}({raw})")
        text = self._variable((raw, None), lambda: f"{raw} + {self._break} if {plain} else {self._encode}({raw})")
        if finish is None:
            return text
        again = self._names.name(partial(_finished, finish))
        return self._variable((raw, finish), lambda: f"{text} if {plain} else {again}({raw}, {text})")

    def _variable(self, key: object, code: Callable[[], str]) -> str:
        if key not in self._variables:
            line = code()
            self._variables[key] = f"v{len(self._variables)}"
            self._lines.append(f"{self._variables[key]} = {line}")
        return self._variables[key]


def _finished(finish: Finish, value: str, encoded: str) -> str:
    """A value that is not plain, encoded after `finish`; `encoded` is what it is without that."""
    finished = finish(value)
    return encoded if finished is value else _encode(finished)


def _encode(value: str) -> str:
    return encode_piece(value).decode("ascii")


def _closed(body: str) -> bytes:
    encoded = body.encode("ascii")
    # After a soft line break, a line break ends the line that is still open.
    return encoded + b"\r\n" if encoded.endswith(SOFT_BREAK) else encoded
