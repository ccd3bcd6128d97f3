"""The filters of mail templates: those of Jinja2 that mail needs, each with a bound of its work.

Each bounds what one use of it can make. That is enough for a template without loops; `operations` also lets a rendering
pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import islice
from typing import Any

from jinja2 import filters as jinja
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.utils import pass_environment, pass_eval_context

from ses_ops.domain.template_variables import Missing
from ses_ops.errors import Explanation
from ses_ops.rendering.budget import MAX_TEXT, MAX_WORK, STEP, room_for, size
from ses_ops.rendering.html.values import html_as_text

#: Items that a filter reads at most from an iterator of unknown length.
_MAX_ITEMS = MAX_WORK // STEP
#: Largest number of items of a batch, of spaces of an indent, and of digits.
_MAX_NUMBER = 1_000
#: Characters of the longest text of a filter that reads each character several times.
_MAX_SLOW_TEXT = 20_000
#: Largest number of names in `attribute='a.b,c'`.
_MAX_PATH = 10
_PLAIN_IN_URL = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch

#: The filters that read each character once. Filters that this module does not name do not exist in templates:
#: `center`, `format` and `pprint` make a text of any length out of a number; `attr` and `random` are left out, too.
_AS_THEY_ARE = (
    *("abs", "capitalize", "count", "dictsort", "e", "escape", "filesizeformat", "first", "float"),
    *("forceescape", "groupby", "int", "items", "last", "length", "lower", "map", "max", "min", "reject", "rejectattr"),
    *("reverse", "safe", "select", "selectattr", "slice", "sort", "string", "truncate", "unique", "upper"),
    *("wordcount", "xmlattr"),
)


def _number(value: Any, most: int = _MAX_NUMBER) -> None:
    if not isinstance(value, int) or abs(value) > most:
        raise SecurityError(Explanation("filter_number_not_valid", most=most).sentence)


def _short(value: Any) -> str:
    text = str(value)
    if len(text) > _MAX_SLOW_TEXT:
        raise SecurityError(Explanation("filter_text_too_long", most=_MAX_SLOW_TEXT).sentence)
    return text


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Jinja2's `default`, which replaces missing cells too."""
    return default_value if isinstance(value, Missing) else jinja.do_default(value, default_value, boolean)


def is_defined(value: Any) -> bool:
    """Whether a value is defined and is not a missing cell."""
    return not isinstance(value, Missing | Undefined)


def _urlencode(value: Any) -> str:
    """Jinja2's `urlencode`, with a short cut for values without a character to quote."""
    return value if value.__class__ is str and _PLAIN_IN_URL(value) else jinja.do_urlencode(value)


@pass_eval_context
def _replace(eval_ctx: Any, s: Any, old: Any, new: Any, count: int | None = None) -> str:
    room_for(str(s).count(str(old)) * len(str(new)))
    return jinja.do_replace(eval_ctx, s, old, new, count)


def _indent(s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    if not isinstance(width, str):
        _number(width)
    room_for(len(str(s).splitlines()) * (len(width) if isinstance(width, str) else width))
    return jinja.do_indent(s, width, first, blank)


@pass_environment
def _wordwrap(
    environment: Any,
    s: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    _number(width)
    _number(len(wrapstring or ""), 10)
    return jinja.do_wordwrap(environment, _short(s), width, break_long_words, wrapstring, break_on_hyphens)


@pass_eval_context
def _urlize(eval_ctx: Any, value: Any, *args: Any, **kwargs: Any) -> str:
    _number(sum(len(str(one)) for one in (*args, *kwargs.values())))
    return jinja.do_urlize(eval_ctx, _short(value), *args, **kwargs)


def _trim(value: Any, chars: str | None = None) -> str:
    if chars is not None:
        _number(len(str(chars)))
    return jinja.do_trim(value, chars)


def _bounded(function: Callable[..., str]) -> Callable[..., str]:
    """A filter of a text that reads each character more than once, with a bound of the length."""

    @wraps(function)
    def call(text: Any, *args: Any, **kwargs: Any) -> str:
        room_for(len(str(text)))
        return function(text, *args, **kwargs)

    return call


@pass_eval_context
def _tojson(eval_ctx: Any, value: Any, indent: int | None = None) -> str:
    _number(indent or 0, 8)
    room_for(size(value) // STEP)
    return jinja.do_tojson(eval_ctx, value, indent)


@pass_eval_context
def _join(eval_ctx: Any, value: Iterable[Any], d: Any = "", attribute: str | int | None = None) -> str:
    check_path(attribute)
    items = as_list(value)
    room_for(len(items) * len(str(d)) + sum(len(item) if isinstance(item, str) else size(item) for item in items))
    return jinja.sync_do_join(eval_ctx, items, d, attribute)


@pass_environment
def _sum(environment: Any, iterable: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
    """The sum of numbers. Lists are refused, because each addition copies the whole list."""
    if not isinstance(start, int | float):
        raise SecurityError(Explanation("sum_of_no_numbers").sentence)
    return jinja.sync_do_sum(environment, iterable, attribute, start)


def _batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> Iterator[list[Any]]:
    _number(linecount)
    return jinja.do_batch(value, linecount, fill_with)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    _number(precision, 100)
    return jinja.do_round(value, precision, method)


def as_list(value: Iterable[Any]) -> list[Any]:
    """The items of an iterable. Raises SecurityError for too many."""
    items = list(islice(value, _MAX_ITEMS + 1))
    if len(items) > _MAX_ITEMS:
        raise SecurityError(Explanation("list_too_long", most=_MAX_ITEMS).sentence)
    return items


#: Filters without a check, for `fill`: its templates have no loops and no chains of hundreds of filters.
PLAIN: dict[str, Callable[..., Any]] = {
    **{name: jinja.FILTERS[name] for name in _AS_THEY_ARE},
    "batch": _batch,
    "d": _default,
    "default": _default,
    "html_as_text": _bounded(html_as_text),
    "indent": _indent,
    "join": _join,
    "list": as_list,
    "replace": _replace,
    "round": _round,
    "striptags": _bounded(jinja.do_striptags),
    "sum": _sum,
    "title": _bounded(jinja.do_title),
    "trim": _trim,
    "tojson": _tojson,
    "urlencode": _urlencode,
    "urlize": _urlize,
    "wordwrap": _wordwrap,
}


def check_path(attribute: Any) -> None:
    """Raise SecurityError for a path `attribute='a.b.c'` with too many names."""
    if isinstance(attribute, str) and len(attribute) > MAX_TEXT:
        raise SecurityError(Explanation("attribute_path_too_long").sentence)
    if isinstance(attribute, str) and attribute.count(".") + attribute.count(",") > _MAX_PATH:
        raise SecurityError(Explanation("attribute_path_of_too_many_names", most=_MAX_PATH).sentence)
