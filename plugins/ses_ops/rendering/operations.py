"""What a template can do with values: filters, tests, operators and calls, each of which a rendering pays for."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import BlockReference, LoopContext, Macro, TemplateReference, markup_join, str_join
from jinja2.sandbox import safe_range
from jinja2.tests import TESTS
from jinja2.utils import pass_eval_context

from ses_ops.errors import Explanation
from ses_ops.rendering.budget import LISTS, STEP, check_number, check_rendering, room_for, size, spend
from ses_ops.rendering.filters import as_list, check_path, is_defined
from ses_ops.rendering.html.values import shown_as_text

#: What the operations are called that a template's tree is changed to. See `MailEnvironment.call_filter`.
OPERATION = "ses:{}"
#: Characters that a repetition ("x" * 1000) may make, and the largest base of a power.
MAX_REPEATED = 100_000
_MAX_POWER = 64
#: Characters that a search from the right compares for a unit, which is paid before it begins: Python looks at the
#: whole of what it searches for at each character (its searches from the left do not). 100 kB in 100 kB take seconds.
SEARCHED = 64
_SLOW_SEARCHES = frozenset({"rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip"})
_WIDE_FORMAT = re.compile(r"\*|\d{4}")
#: Filters that look an attribute up in every item, by a path that the template gives.
_BY_PATH = frozenset({"groupby", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"})
#: Filters that only look whether there is a value: `caller | default(...)`.
_TAKE_ALL = frozenset({"d", "default"})
#: Values of these classes are no part of the program, which is found out faster.
_NUMBERS = frozenset({int, float, bool})
_PROGRAM = (
    *(type, FunctionType, BuiltinFunctionType, MethodType),
    *(Macro, BlockReference, TemplateReference, LoopContext),
)


def refuse_program(value: Any) -> None:
    """Raise SecurityError for what a reader would see as `<function ... at 0x...>`: `{{ name.upper }}`, `{{ [loop] }}`.

    Of a list, all that it holds is looked at: it has been paid for, so it is not endless.
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, LISTS):
            waiting += [*one, *one.values()] if isinstance(one, dict) else one
        elif isinstance(one, _PROGRAM):
            kind = type(one).__name__
            raise SecurityError(Explanation("part_of_the_program", kind=kind).sentence)


def made(value: Any) -> Any:
    """Pay for an operation and for the value that it made, and give that back."""
    if isinstance(value, str):
        units = len(value)
        room_for(units)
    elif isinstance(value, int | float):
        units = 1
        check_number(value)
    else:
        if isinstance(value, Iterator):
            value = as_list(value)
        units = size(value)
    spend(STEP + units)
    return value


def _paid(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or an operator that is paid for. It takes no text that is too long, and no part of the program."""
    # The context or the like comes first, where it is asked for.
    first = 1 if hasattr(function, "jinja_pass_arg") else 0
    takes_all, by_path = name in _TAKE_ALL, name in _BY_PATH

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        check_rendering()
        for one in (*args[first:], *kwargs.values()) if kwargs else args[first:]:
            if isinstance(one, str):
                room_for(len(one))
            elif one.__class__ not in _NUMBERS and not takes_all:
                refuse_program(one)
        if by_path:
            for attribute in (*args[first + 1 :], *kwargs.values()):
                check_path(attribute)
        return made(function(*args, **kwargs))

    return call


def _paid_test(test: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(test)
    def call(*args: Any, **kwargs: Any) -> bool:
        check_rendering()
        result: bool = made(test(*args, **kwargs))
        return result

    return call


# --- operators


def _times(left: Any, right: Any) -> Any:
    for text, times in ((left, right), (right, left)):
        if hasattr(text, "__len__"):
            if not isinstance(text, str):
                raise SecurityError(Explanation("repetition_of_no_text").sentence)
            if len(text) * int(times) > MAX_REPEATED:
                raise SecurityError(Explanation("repetition_too_long", most=MAX_REPEATED).sentence)
    return left * right


def _power(left: Any, right: Any) -> Any:
    if abs(left) > MAX_REPEATED or abs(right) > _MAX_POWER:
        raise SecurityError(Explanation("power_too_large").sentence)
    return left**right


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        if _WIDE_FORMAT.search(left):
            raise SecurityError(Explanation("format_too_wide").sentence)
        # %r makes ten characters of one, and a value of a dictionary may stand there many times.
        room_for(len(left) + left.count("%") * (999 + 10 * size(right)) // 100)
    return left % right


@pass_eval_context
def _joined(eval_ctx: EvalContext, *parts: Any) -> str:
    """`a ~ b ~ c`, which is refused before it is made."""
    room_for(sum(map(size, parts)))
    return (markup_join if eval_ctx.autoescape else str_join)(parts)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "/": operator.truediv,
    "//": operator.floordiv,
    "*": _times,
    "**": _power,
    "%": _modulo,
    "~": _joined,
}


def operations(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """The `filters`, and as further ones what the tree of a template is changed to (`PaidOperations`)."""
    return {
        **{name: _paid(name, function) for name, function in filters.items()},
        **{OPERATION.format(name): _paid(name, function) for name, function in _OPERATORS.items()},
        OPERATION.format("made"): made,
        OPERATION.format("turn"): spend,
    }


def paid_tests() -> dict[str, Any]:
    """The tests of templates (`x is lower`)."""
    own: dict[str, Any] = {**TESTS, "defined": is_defined, "undefined": lambda value: not is_defined(value)}
    return {name: _paid_test(function) for name, function in own.items()}


def filters_of_text_parts() -> dict[str, Any]:
    """What only a text made of HTML uses."""
    return {"shown_as_text": _paid("shown_as_text", shown_as_text)}


# --- calls


def arguments_of(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments to call a method of a text with. Refused is what would take long or make too long a text."""
    text = function.__self__ if isinstance(function, BuiltinMethodType | MethodType) else None
    if not isinstance(text, str):
        return args
    room_for(len(text))
    method = function.__name__
    if method in _SLOW_SEARCHES:
        spend(len(text) * sum(map(size, args)) // SEARCHED)
    elif method == "join" and len(args) == 1:
        args = (as_list(args[0]),)
        room_for(len(args[0]) * len(text) + sum(map(size, args[0])))
    elif method == "replace" and len(args) >= 2:
        room_for(text.count(str(args[0])) * len(str(args[1])))
    return args


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """A new dictionary; a function and no class, which would have `dict.update`."""
    return dict(*args, **kwargs)


#: The functions that templates can call. A name that is called is one of these; a name that is not is a variable, so a
#: group may have a column `range`. Plain functions only: what they return is new, and nothing of theirs can be called;
#: by a method of a class a template could change a value that outlives the rendering.
FUNCTIONS: dict[str, Callable[..., Any]] = {"range": safe_range, "dict": _dict}
#: How the environment calls each of them: the code that Jinja2 makes reads them there.
FUNCTION = "function_{}"
