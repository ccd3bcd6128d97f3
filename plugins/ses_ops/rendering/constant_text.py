"""A part of a message that is no template: a subject, a text or HTML as a program gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ses_ops.errors import TemplateError
from ses_ops.rendering.fill import Convert, Step

#: What begins something of Jinja2.
has_code = re.compile(r"\{[{%#]").search
_BEGIN = re.compile(r"\{(?=[{%#])")


class ConstantText:
    """It gives what `CompiledPart` gives, and needs no Jinja2."""

    finish: Convert | None = None

    def __init__(self, text: str, *, template_name: str, part: str) -> None:
        self._text = text
        self.steps: tuple[Step, ...] | None = (text,)
        self.template_name, self.part = template_name, part

    def render(self, values: Mapping[str, Any]) -> str:  # noqa: ARG002
        """The text."""
        return self._text

    def pieces(self, values: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        """The text in one piece."""
        return [self._text]

    def error(self, code: str, /, **facts: Any) -> TemplateError:
        """See CompiledPart."""
        return TemplateError(code, **{**facts, "template": self.template_name, "part": self.part})


def escaped_source(text: str) -> str:
    """The source of a template that gives this text."""
    return _BEGIN.sub("{{ '{' }}", text)


def with_line_feeds(text: str) -> str:
    """A text with `\\n` for each of its line breaks."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
