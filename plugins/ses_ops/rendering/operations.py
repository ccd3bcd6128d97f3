"""The operations of templates: filters, tests, operators and calls, each of which takes units from the budget."""

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

#: Name of the filter that replaces an operation in a template's syntax tree. See `MailEnvironment.call_filter`.
OPERATION = "ses:{}"
#: Characters of the longest result of a repetition ("x" * 1000), and the largest base of a power.
MAX_REPEATED = 100_000
_MAX_POWER = 64
#: Characters that a search from the right compares for one unit. The units are taken before the search: at each
#: character Python compares the whole of the text that it searches for (not in searches from the left), so 100 kB in
#: 100 kB take seconds.
SEARCHED = 64
_SLOW_SEARCHES = frozenset({"rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip"})
_WIDE_FORMAT = re.compile(r"\*|\d{4}")
#: Filters that take a path of attributes from the template, and read that path in every item.
_BY_PATH = frozenset({"groupby", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"})
#: Filters that only test whether a value is defined: `caller | default(...)`.
_TAKE_ALL = frozenset({"d", "default"})
#: Classes whose values cannot be objects of the program. The test of the class is faster than the whole check.
_NUMBERS = frozenset({int, float, bool})
_PROGRAM = (
    *(type, FunctionType, BuiltinFunctionType, MethodType),
    *(Macro, BlockReference, TemplateReference, LoopContext),
)


def refuse_program(value: Any) -> None:
    """Raise SecurityError for an object such as `<function ... at 0x...>`: `{{ name.upper }}`, `{{ [loop] }}`.

    All values of a list are checked. Their number is bounded, because the list has taken units of the budget.
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
    """Take the units of an operation and of its result; returns the result."""
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
    """A filter or an operator that takes units. It refuses texts that are too long, and objects of the program."""
    # The first argument is the context, the environment or the evaluation context of functions that Jinja2 marks so.
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
        # %r makes up to ten characters of one, and a format may name a value of a dictionary many times.
        room_for(len(left) + left.count("%") * (999 + 10 * size(right)) // 100)
    return left % right


@pass_eval_context
def _joined(eval_ctx: EvalContext, *parts: Any) -> str:
    """`a ~ b ~ c`. Raises SecurityError before the text is made, when the text would be too long."""
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
    """The `filters`, and the filters that replace operators in the syntax tree of a template (`PaidOperations`)."""
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
    """The filters that only a text part made of an HTML part uses."""
    return {"shown_as_text": _paid("shown_as_text", shown_as_text)}


# --- calls


def arguments_of(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments for a method of a text. Raises SecurityError for a call that is slow, or makes a text too long."""
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
    """A new dictionary. A function, because a template could call the methods of a class, such as `dict.update`."""
    return dict(*args, **kwargs)


#: The functions that templates can call. A name in a call is one of these; a name elsewhere is a variable, so a group
#: may have a column `range`. All are plain functions that return new values: with a method of a class a template could
#: change a value that outlives the rendering.
FUNCTIONS: dict[str, Callable[..., Any]] = {"range": safe_range, "dict": _dict}
#: The functions by the names under which the code that Jinja2 compiles finds them in the environment.
FUNCTION = "function_{}"
