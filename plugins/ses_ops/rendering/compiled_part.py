"""A part of a template (subject, HTML, text), compiled once and filled in for every message."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context
from markupsafe import escape

from ses_ops.errors import Sentence, TemplateError
from ses_ops.rendering.budget import MAX_PART, budget
from ses_ops.rendering.environment import MailEnvironment
from ses_ops.rendering.fill import Convert, JsonValues, Step, pieces_of, steps_of

_SPECIAL_IN_HTML = re.compile("[&<>'\"]").search


def _escape(value: str) -> str:
    """The value as autoescaping writes it. Most values need no escape, and the search for one is the faster test."""
    return escape(value) if _SPECIAL_IN_HTML(value) else value


class CompiledPart:
    """One part of a template (subject, html, text, unsubscribe_url), compiled once and rendered for every message."""

    def __init__(self, template: Template, *, source: str, template_name: str, part: str) -> None:
        """`source` is what `template` was compiled from, in an environment of `make_environment`."""
        assert isinstance(template.environment, MailEnvironment)
        self._name = template.name
        self._render = template.root_render_func
        self._blocks = template.blocks
        self._environment = template.environment
        self._limits = template.environment.limits[:2]
        self.template_name = template_name
        self.source = source
        self.part = part
        autoescape = self._environment.autoescape
        escapes = autoescape(template.name) if callable(autoescape) else autoescape
        #: The conversion of every value before the value becomes a part of the text.
        self.finish: Convert | None = self._environment.finish or (_escape if escapes else None)
        tree = self._environment.parse(source)
        #: The steps of the template; None for a template that only Jinja2 can render.
        self.steps: tuple[Step, ...] | None = steps_of(tree, self._environment.plain_filters)
        self._fast = None if self.steps is None else pieces_of(self.steps, self.finish)

    def render(self, values: Mapping[str, str]) -> str:
        """The text with `values` filled in. Raises TemplateError with the line of the template."""
        try:
            return "".join(self.pieces(values))
        except TypeError as cause:
            raise TemplateError("value_not_a_text", template=self.template_name, part=self.part) from cause

    def pieces(self, values: Mapping[str, str]) -> list[str]:
        """The text in pieces: the template's own texts (the same objects in every call) and the values between them."""
        if self._fast is not None and values.__class__ is not JsonValues:
            # After an error Jinja2 renders the part again, and its error has the line.
            try:  # suppress() takes longer than most templates
                return self._fast(values)
            except Exception:  # noqa: S110
                pass
        # As Template.render(), in half the time: without globals and local variables, which no message needs.
        context = Context(self._environment, dict(values), self._name, self._blocks)
        try:
            with budget(*self._limits):
                pieces = list(self._render(context))
        except Exception as error:
            raise self._located_error() from error
        if sum(map(len, pieces)) > MAX_PART:
            raise self.error("part_too_large", most=MAX_PART)
        return pieces

    def error(self, code: str, /, **facts: Any) -> TemplateError:
        """An error that names this part."""
        return TemplateError(code, **{**facts, "template": self.template_name, "part": self.part})

    def _located_error(self) -> TemplateError:
        """The exception that is being handled, as an error with the line."""
        try:
            # Jinja2 replaces lines of the compiled code by lines of the template in the traceback.
            self._environment.handle_exception()
        except Exception as error:
            return wrap_jinja_error(error, template=self.template_name, part=self.part)


def wrap_jinja_error(error: Exception, *, template: str, part: str) -> TemplateError:
    """`error` as one that names the template, the part and the line."""
    if isinstance(error, TemplateError):
        return error
    if isinstance(error, TemplateNotFound):
        return TemplateError("included_file_missing", file=error.name, template=template, part=part)
    line: int | None
    # The first argument of an error of Jinja2 is its message; of an error of Python it may be a value such as "utf-8".
    given = error.args[0] if error.args and isinstance(error, JinjaError) else None
    says = given if isinstance(given, str) and given else str(error) or type(error).__name__
    if isinstance(error, TemplateSyntaxError):
        line, file = error.lineno, error.filename
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.endswith(".py")]
        line, file = (frames[-1].lineno, frames[-1].filename) if frames else (None, None)
    place = {"in_line": line or None, "in_file": Path(file).name if line and file and "/" in file else None}
    if isinstance(says, Sentence):  # an error of ses-ops
        of = says.explanation
        return TemplateError(of.code, **{**of.facts, **place, "template": template, "part": part})
    return TemplateError("template_engine_says", says=says, template=template, part=part, **place)
