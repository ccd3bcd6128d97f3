"""The Jinja2 that templates run in: they can read the values they are given and the files beside them, nothing else.

Whoever may write a template is trusted with the text of a mail, not with the machine that sends it. Which constructs
there are is said in `allowed_nodes`, what values can do in `operations`, how much of it in `budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from jinja2 import BaseLoader, StrictUndefined, TemplateNotFound, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from ses_ops.domain.template_variables import variable_name
from ses_ops.errors import Explanation
from ses_ops.rendering.allowed_nodes import PaidOperations, bind_functions, check_nodes
from ses_ops.rendering.budget import STEP, room_for, size, spend
from ses_ops.rendering.filters import PLAIN
from ses_ops.rendering.operations import FUNCTION, FUNCTIONS, arguments_of, made, operations, paid_tests, refuse_program
from ses_ops.rendering.template_place import OF_TEMPLATES, RenderingLimits

#: The attributes of values. Everything else of theirs pads, formats or recodes a text to any length.
_TEXT_METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal"),
        *("isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition"),
        *("removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "striptags", "swapcase", "title", "unescape", "upper"),
    }
)
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, _TEXT_METHODS),
    (int, frozenset()),
    (float, frozenset({"is_integer"})),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset({"count", "index"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),
    (range, frozenset({"start", "stop", "step"})),
)
#: Errors of compiling: Jinja2's, and Python's own about the code that Jinja2 made or a number that nobody can mean.
COMPILE_ERRORS = (JinjaError, RecursionError, SyntaxError, ValueError, OverflowError, MemoryError)


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with a list of allowed nodes, whose templates cannot take time or memory without end."""

    #: Jinja2 computes none of these while it reads a template. `PaidOperations` replaces them before it makes code.
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    #: The bounds of a rendering.
    limits: RenderingLimits = OF_TEMPLATES
    #: What is done to each value that is put out, besides paying for it.
    finish: Callable[[Any], str] | None = None
    #: The filters that a template without loops uses; others use these and pay for it.
    plain_filters: ClassVar[Mapping[str, Callable[..., Any]]] = PLAIN

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`order.items`: the item of that name before a method, because a value names its items as it likes."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or method, and pay for it. All calls of a template come here."""
        args = arguments_of(function, args)
        return made(super().call(context, function, *args, **kwargs))

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The filter of a name that stands in a text: `map("upper")`. Those of OPERATION are not open to templates."""
        if not name.isidentifier():
            raise SecurityError(Explanation("not_open_to_templates", name=name).sentence)
        return super().call_filter(name, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002
        """Not even the sandbox's own str.format, which bounds what it reads but not how wide it pads."""
        return

    def source_of(self, path: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The text of a file in the folder of templates; raises TemplateNotFound."""
        if self.loader is None:
            raise TemplateNotFound(path)
        return self.loader.get_source(self, path)

    @property
    def paths(self) -> list[str]:
        """Where the files are that were read from a folder of templates."""
        return list(getattr(self.loader, "paths", ()))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what is known to be harmless of a value; what Jinja2 thinks safe of its own objects (`loop.index`)."""
        for kind, allowed in _ATTRIBUTES:
            if isinstance(obj, kind):
                return attr in allowed
        return super().is_safe_attribute(obj, attr, value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Jinja2's hook for parsing: whoever reads a template sees the same tree, in which all nodes are allowed."""
        tree = super()._parse(source, name, filename)
        check_nodes(tree, name, filename)
        return bind_functions(tree)

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        """Jinja2's hook between parsing and making code."""
        PaidOperations().visit(source)
        source.set_environment(self)
        return super()._generate(source, *args, **kwargs)


class NormalNames(Extension):
    """Names in NFKC, as Python compares identifiers: two that differ in width or composition are one variable."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Every name in NFKC; else Jinja2 would look up two variables and keep one."""
        for token in stream:
            if token.type == "name" and not token.value.isascii():
                yield Token(token.lineno, token.type, variable_name(token.value))
            else:
                yield token


@pass_context
def _put_out(context: Context, value: Any) -> Any:
    """What every `{{ value }}` goes through."""
    if isinstance(value, str):
        spend(STEP + len(value))
    else:
        made(value)
        room_for(size(value))
        refuse_program(value)
    finish = context.environment.finish  # type: ignore[attr-defined]
    return finish(value) if finish else value


def make_environment(
    loader: BaseLoader,
    *,
    finalize: Callable[[Any], str] | None = None,
    autoescape: bool = True,
    kind: type[MailEnvironment] = MailEnvironment,
) -> MailEnvironment:
    """An environment that escapes values in `.html` files (and nowhere else) and refuses a variable without a value."""
    environment = kind(
        loader=loader,
        autoescape=(lambda name: bool(name and name.endswith(".html"))) if autoescape else False,
        undefined=StrictUndefined,
        finalize=_put_out,
        auto_reload=False,
        extensions=[NormalNames],
    )
    environment.finish = finalize
    environment.limits = getattr(loader, "limits", environment.limits)
    environment.filters = operations(kind.plain_filters)
    environment.tests = paid_tests()
    # No name of Jinja2's own stands in the way of a variable.
    environment.globals = {}
    for name, function in FUNCTIONS.items():
        setattr(environment, FUNCTION.format(name), function)
    return environment
