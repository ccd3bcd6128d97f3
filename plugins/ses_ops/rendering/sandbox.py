"""The Jinja2 that templates run in: they can read the values they are given and the files beside them, nothing else.

Whoever may write a template is trusted with the text of a mail, not with the machine that sends it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.filters import do_urlencode
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from ses_ops.errors import TemplateError
from ses_ops.rendering.flat_part import Convert, Step, flat_part, flat_steps

#: Pieces of text (between two tokens, or one value) that one rendering may put together. Jinja2 bounds one range() at
#: 100 000; this bounds loops in loops.
MAX_PIECES = 200_000
#: Characters that a repetition ("x" * 1000) or a padding may make, and the highest exponent.
MAX_REPEATED = 100_000
#: Methods and filters that make a text of any length out of a number.
_PADDING = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"})
_REFUSED_FILTERS = frozenset({"center", "format", "pprint"})
_REFUSED_GLOBALS = frozenset({"lipsum"})
_SPECIAL_IN_HTML = re.compile("[&<>'\"]").search
_PLAIN_IN_URL = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
_WIDE_FORMAT = re.compile(r"\*|\d{4}")


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with the operators bounded that can fill the memory by themselves."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would take unbounded time or memory: `10 ** 10 ** 9`, `"x" * 10 ** 9`, `"%999999999d" % 1`."""
        if operator == "**" and (abs(left) > MAX_REPEATED or abs(right) > 64):
            raise SecurityError("the numbers of a power are too large")
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if hasattr(text, "__len__") and len(text) * int(times) > MAX_REPEATED:
                    raise SecurityError(f"a repetition makes more than {MAX_REPEATED} characters")
        if operator == "%" and isinstance(left, str) and _WIDE_FORMAT.search(left):
            raise SecurityError("a format may not pad to more than 999 characters")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002
        """Not even the sandbox's own str.format, which bounds what it reads but not how wide it pads."""
        return

    def source_of(self, path: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The text of a file in the folder of templates; raises TemplateNotFound."""
        if self.loader is None:
            raise TemplateNotFound(path)
        return self.loader.get_source(self, path)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Also refuse the methods that pad a text to any width."""
        return attr not in _PADDING and super().is_safe_attribute(obj, attr, value)


class InsideLoader(BaseLoader):
    """Loads files by their path below one folder; a path or a symbolic link that leads out of it is not found."""

    def __init__(self, root: Path, transform: Callable[[str, str], str] | None = None) -> None:
        """`transform(path, source)`, if given, turns the source of every file into what is compiled."""
        self._root = root.resolve()
        self._transform = transform

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002
        """The text of a file, its path (which errors name), and no check for changes: a task keeps its text."""
        path = (self._root / template.replace("\x00", "")).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise TemplateNotFound(template)
        source = read_source(path)
        return (self._transform(template, source) if self._transform else source), str(path), None


def read_source(path: Path) -> str:
    """A template's file: UTF-8, with or without a byte order mark, line breaks as `\\n`."""
    return path.read_text(encoding="utf-8-sig")


def make_environment(
    loader: BaseLoader, *, finalize: Callable[[Any], str] | None = None, autoescape: bool = True
) -> MailEnvironment:
    """An environment that escapes values in `.html` files (and nowhere else) and refuses a variable without a value."""
    environment = MailEnvironment(
        loader=loader,
        autoescape=(lambda name: bool(name and name.endswith(".html"))) if autoescape else False,
        undefined=StrictUndefined,
        finalize=finalize,
        auto_reload=False,
    )
    for name in _REFUSED_FILTERS:
        environment.filters.pop(name, None)
    for name in _REFUSED_GLOBALS:
        environment.globals.pop(name, None)
    environment.filters["urlencode"] = _urlencode
    return environment


def _escape(value: str) -> str:
    """What autoescaping does to a value; most have nothing to be escaped, which is found out faster."""
    return escape(value) if _SPECIAL_IN_HTML(value) else value


def _urlencode(value: Any) -> str:
    """Jinja2's filter; most values have nothing to be quoted."""
    return value if value.__class__ is str and _PLAIN_IN_URL(value) else do_urlencode(value)


class CompiledPart:
    """One part of a template (subject, html, text, unsubscribe_url), compiled once and rendered for every message."""

    def __init__(self, template: Template, *, source: str, template_name: str, part: str) -> None:
        """`source` is what `template` was compiled from."""
        self._name = template.name
        self._render = template.root_render_func
        self._blocks = template.blocks
        self._environment = template.environment
        self._globals = dict(template.globals)
        self.template_name = template_name
        self.part = part
        autoescape = self._environment.autoescape
        escapes = autoescape(template.name) if callable(autoescape) else autoescape
        #: What is done to every value before it becomes a part of the text.
        self.finish: Convert | None = self._environment.finalize or (_escape if escapes else None)
        self._source = source
        self._flat = flat_part(self._environment, source, self.finish)

    def render(self, values: Mapping[str, str]) -> str:
        """The text with `values` filled in; raises TemplateError, naming the line, when the template cannot."""
        return "".join(self.pieces(values))

    def pieces(self, values: Mapping[str, str]) -> list[str]:
        """The same in pieces: the template's own texts (the same objects every time) and the values between."""
        if self._flat is not None:
            # What is wrong with the values is said below, with the line.
            try:  # suppress() takes longer than most templates
                return self._flat(values)
            except Exception:  # noqa: S110
                pass
        # What Template.render() does, without what a message does not need: it takes half the time.
        context = Context(self._environment, {**self._globals, **values}, self._name, self._blocks, self._globals)
        try:
            pieces = list(islice(self._render(context), MAX_PIECES + 1))
        except Exception as error:
            raise self._located_error() from error
        if len(pieces) > MAX_PIECES:
            raise self.error(f"a loop runs away: more than {MAX_PIECES} pieces of text")
        return pieces

    def steps(self) -> tuple[Step, ...] | None:
        """What the template is made of, or None when only Jinja2 can render it."""
        return flat_steps(self._environment, self._source)

    def error(self, message: str) -> TemplateError:
        """An error that names this part."""
        return TemplateError(message, template=self.template_name, part=self.part)

    def _located_error(self) -> TemplateError:
        """The exception being handled, as an error that names the line."""
        try:
            # Jinja2's own way to turn places in the code it made into places in the template.
            self._environment.handle_exception()
        except Exception as error:
            return wrap_jinja_error(error, template=self.template_name, part=self.part)


def wrap_jinja_error(error: Exception, *, template: str, part: str) -> TemplateError:
    """`error` as one that names the template, the part and the line."""
    if isinstance(error, TemplateError):
        return error
    if isinstance(error, TemplateNotFound):
        message = f"it includes {error.name!r}, which is not in the folder of templates"
        return TemplateError(message, template=template, part=part)
    line: int | None
    if isinstance(error, TemplateSyntaxError):
        line, file = error.lineno, error.filename
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.endswith(".py")]
        line, file = (frames[-1].lineno, frames[-1].filename) if frames else (None, None)
    place = f" (line {line}{f' of {Path(file).name}' if file and '/' in file else ''})" if line else ""
    return TemplateError(f"{error or type(error).__name__}{place}", template=template, part=part)
