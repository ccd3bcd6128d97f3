"""The Jinja2 that templates run in: they can read the values they are given and the files beside them, nothing else.

Whoever may write a template is trusted with the text of a mail, not with the machine that sends it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import BuiltinMethodType, MethodType
from typing import Any, ClassVar

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.utils import pass_context
from markupsafe import escape

from ses_ops.errors import TemplateError
from ses_ops.rendering.allowed_nodes import filters as metered_filters
from ses_ops.rendering.allowed_nodes import metered
from ses_ops.rendering.budget import MAX_PART, STEP, budget, check_number, made, room_for, size, spend
from ses_ops.rendering.comments import Comment, check_comments
from ses_ops.rendering.fill import Convert, Step, flat_part, flat_steps
from ses_ops.rendering.functions import ATTRIBUTE, FUNCTIONS, VALUES, bind_functions, refuse_program
from ses_ops.rendering.normal_names import NormalNames
from ses_ops.rendering.operations import PLAIN, charged_filters, charged_tests
from ses_ops.rendering.template_files import decoded, inside, read_octets

#: Characters that a repetition ("x" * 1000) may make, and the largest base of a power.
MAX_REPEATED = 100_000
#: Bytes of a file. A message has 4 MB at most, and says so itself.
MAX_FILE = 8 * 1024 * 1024
#: Characters of a file that stand in `{{ }}`, `{% %}` and `{# #}`.
MAX_CODE = 100_000
_TAG_BEGINS, _TAG_ENDS = re.compile(r"\{[{%#]"), re.compile(r"[}%#]\}")
#: The attributes of values. Everything else of theirs pads, formats or recodes a text to any length.
_TEXT_METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal"),
        *("isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition"),
        *("removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "striptags", "swapcase", "title", "unescape", "upper"),
    }
)
#: Those for which Python looks at the whole of what it searches for at each character (its searches from the left do
#: not): a hundred kilobytes in a hundred kilobytes take seconds.
_SLOW_SEARCHES = frozenset({"rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip"})
#: Characters that are compared for a unit.
SEARCHED = 64
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, _TEXT_METHODS),
    (int, frozenset()),
    (float, frozenset({"is_integer"})),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset({"count", "index"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),
    (range, frozenset({"start", "stop", "step"})),
)
#: Of values that were stored by hand: what a template is filled in with are texts.
NO_TEXT = "a value of this recipient is not a text"
_SPECIAL_IN_HTML = re.compile("[&<>'\"]").search
_WIDE_FORMAT = re.compile(r"\*|\d{4}")
#: Errors of compiling: Jinja2's, and Python's own about the code that Jinja2 made or a number that nobody can mean.
COMPILE_ERRORS = (JinjaError, RecursionError, SyntaxError, ValueError, OverflowError, MemoryError)


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, in which a template also cannot take time or memory without end."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    #: What is done to each value that is put out, besides paying for it.
    finish: Callable[[Any], str] | None = None
    #: The filters that a template without loops uses; others use these and pay for it.
    plain_filters: ClassVar[Mapping[str, Callable[..., Any]]] = PLAIN

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would take unbounded time or memory: `10 ** 10 ** 9`, `"x" * 10 ** 9`, `"%999999999d" % 1`."""
        spend(STEP + size(left) + size(right))
        check_number(left)
        check_number(right)
        if operator == "**" and (abs(left) > MAX_REPEATED or abs(right) > 64):
            raise SecurityError("the numbers of a power are too large")
        if operator == "*":
            _check_repetition(left, right)
            _check_repetition(right, left)
        if operator == "%" and isinstance(left, str):
            refuse_program(right)
            if _WIDE_FORMAT.search(left):
                raise SecurityError("a format may not pad to more than 999 characters")
            # %r makes ten characters of one, and a value of a dictionary may stand there many times.
            room_for(len(left) + left.count("%") * (999 + 10 * size(right)) // 100)
        return made(super().call_binop(context, operator, left, right))

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or method, and pay for it. All calls of a template come here."""
        owner = function.__self__ if isinstance(function, BuiltinMethodType | MethodType) else None
        spend(STEP + sum(map(size, (owner, *args, *kwargs.values()))))
        if isinstance(owner, str) and function.__name__ in _SLOW_SEARCHES:
            spend(len(owner) * sum(map(size, args)) // SEARCHED)
        if isinstance(owner, str) and function.__name__ == "join" and len(args) == 1:
            args = (PLAIN["list"](args[0]),)
            room_for(len(args[0]) * len(owner) + sum(map(size, args[0])))
        elif isinstance(owner, str) and function.__name__ == "replace" and len(args) >= 2:
            room_for(owner.count(str(args[0])) * len(str(args[1])))
        return made(super().call(context, function, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002
        """Not even the sandbox's own str.format, which bounds what it reads but not how wide it pads."""
        return

    def source_of(self, path: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The text of a file in the folder of templates; raises TemplateNotFound."""
        if self.loader is None:
            raise TemplateNotFound(path)
        return self.loader.get_source(self, path)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what is known to be harmless of a value; what Jinja2 thinks safe of its own objects (`loop.index`)."""
        for kind, allowed in _ATTRIBUTES:
            if isinstance(obj, kind):
                return attr in allowed
        return super().is_safe_attribute(obj, attr, value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Jinja2's hook for parsing: whoever reads a template sees the same tree."""
        return bind_functions(super()._parse(source, name, filename))

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        """Jinja2's hook between parsing and making code."""
        return super()._generate(metered(source, self), *args, **kwargs)


def _check_repetition(text: Any, times: Any) -> None:
    if not hasattr(text, "__len__"):
        return
    if not isinstance(text, str):
        raise SecurityError("only a text can be repeated")
    if len(text) * int(times) > MAX_REPEATED:
        raise SecurityError(f"a repetition makes more than {MAX_REPEATED} characters")


@pass_context
def _put_out(context: Context, value: Any) -> Any:
    """What every `{{ value }}` goes through."""
    if value.__class__ is str:  # nearly all are
        spend(STEP + len(value))
    else:
        spend(STEP + size(value))
        if value.__class__ not in VALUES:
            refuse_program(value)
    finish = context.environment.finish  # type: ignore[attr-defined]
    return finish(value) if finish else value


class InsideLoader(BaseLoader):
    """Loads files by their path below one folder; a path or a symbolic link that leads out of it is not found."""

    def __init__(self, root: Path, transform: Callable[[str, str], str] | None = None) -> None:
        """`transform(path, source)`, if given, turns the source of every file into what is compiled."""
        self._root = root.resolve()
        self._transform = transform
        #: Comments that may not be meant, in the files that were read.
        self.doubtful: dict[str, list[Comment]] = {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:
        """The text of a file, its path (which errors name), and no check for changes: a task keeps its text."""
        path = inside(self._root, template)
        if path is None:
            raise TemplateNotFound(template)
        octets = read_octets(path, MAX_FILE)
        if len(octets) > MAX_FILE:
            raise SecurityError(f"{path.name} has more than {MAX_FILE} bytes")
        source = decoded(octets)
        _check_code(source, path)
        self.doubtful[template] = check_comments(environment, source, name=template, filename=str(path))
        return (self._transform(template, source) if self._transform else source), str(path), None


def _check_code(source: str, path: Path) -> None:
    """Long text is read at once; a hundred kilobytes of tags take Jinja2 and Python a second to compile."""
    code = 0
    for piece in _TAG_BEGINS.split(source)[1:]:
        end = _TAG_ENDS.search(piece)
        code += 4 + (end.start() if end else len(piece))
    if code > MAX_CODE:
        raise SecurityError(f"{path.name} has more than {MAX_CODE} characters in tags of Jinja2")


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
    environment.filters = {**charged_filters(kind.plain_filters), **metered_filters()}
    environment.tests = charged_tests(TESTS)
    # No name of Jinja2's own stands in the way of a variable.
    environment.globals = {}
    for name, function in FUNCTIONS.items():
        setattr(environment, ATTRIBUTE.format(name), function)
    return environment


def _escape(value: str) -> str:
    """What autoescaping does to a value; most have nothing to be escaped, which is found out faster."""
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
        self.template_name = template_name
        self.part = part
        autoescape = self._environment.autoescape
        escapes = autoescape(template.name) if callable(autoescape) else autoescape
        #: What is done to every value before it becomes a part of the text.
        self.finish: Convert | None = self._environment.finish or (_escape if escapes else None)
        self._source = source
        self._flat = flat_part(self._environment, source, self.finish, self._environment.plain_filters)

    def render(self, values: Mapping[str, str]) -> str:
        """The text with `values` filled in; raises TemplateError, naming the line, when the template cannot."""
        try:
            return "".join(self.pieces(values))
        except TypeError as cause:
            raise TemplateError(NO_TEXT, template=self.template_name, part=self.part) from cause

    def pieces(self, values: Mapping[str, str]) -> list[str]:
        """The same in pieces: the template's own texts (the same objects every time) and the values between."""
        if self._flat is not None:
            # What is wrong with the values is said below, with the line.
            try:  # suppress() takes longer than most templates
                return self._flat(values)
            except Exception:  # noqa: S110
                pass
        # What Template.render() does, without what a message does not need: it takes half the time.
        context = Context(self._environment, dict(values), self._name, self._blocks)
        try:
            with budget():
                pieces = list(self._render(context))
        except Exception as error:
            raise self._located_error() from error
        if sum(map(len, pieces)) > MAX_PART:
            raise self.error(f"it has more than {MAX_PART} characters")
        return pieces

    def steps(self) -> tuple[Step, ...] | None:
        """What the template is made of, or None when only Jinja2 can render it."""
        return flat_steps(self._environment, self._source, self._environment.plain_filters)

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
    says = str(error) or type(error).__name__
    if isinstance(error, TemplateSyntaxError):
        line, file, says = error.lineno, error.filename, error.message or says
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.endswith(".py")]
        line, file = (frames[-1].lineno, frames[-1].filename) if frames else (None, None)
    place = f" (line {line}{f' of {Path(file).name}' if file and '/' in file else ''})" if line else ""
    return TemplateError(f"{says}{place}", template=template, part=part)
