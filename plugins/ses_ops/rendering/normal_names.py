"""Names in templates in one form: NFKC."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from ses_ops.domain.template_variables import variable_name


class NormalNames(Extension):
    """Names as Python compares identifiers: two that differ in width or composition are one variable."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Every name in NFKC; else Jinja2 would look up two variables and keep one."""
        for token in stream:
            if token.type == "name" and not token.value.isascii():
                yield Token(token.lineno, token.type, variable_name(token.value))
            else:
                yield token
