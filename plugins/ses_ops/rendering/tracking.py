"""Tracked mail: its links lead over our own address, and a picture of one pixel tells that it was opened.

Both are put into the sources of a template when it is loaded, once a task; of a message only the tokens are new. What a
link leads to stands in it (events/link_tokens.py), so nothing has to be looked up for a click, and what is not
certainly a whole web address stays byte for byte as it is (`tracked_links`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from jinja2 import BaseLoader, Environment, nodes

from ses_ops.rendering.compiled_part import CompiledPart, wrap_jinja_error
from ses_ops.rendering.environment import COMPILE_ERRORS, MailEnvironment, make_environment
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN
from ses_ops.rendering.operations import filters_of_text_parts
from ses_ops.rendering.protected_source import ProtectedSource
from ses_ops.rendering.template import HTML, TEXT, TEXT_FROM_HTML, MailTemplate
from ses_ops.rendering.tracked_links import CLICK_MARK, Links, changes_in_html, changes_in_text
from ses_ops.rendering.tracking_pixel import OPEN_MARK, has_body, pixel, pixels_in_page

#: What stands in a source for a message's token, and the value that has it. A template with such a character in it is
#: sent as it is.
_MARKS = {CLICK_MARK: CLICK_TOKEN, OPEN_MARK: OPEN_TOKEN}


class TrackedTemplate(NamedTuple):
    """A template whose bodies have a pixel and tracked links, as far as they can have them."""

    template: MailTemplate
    #: The targets of its links, each once.
    targets: tuple[str, ...]
    #: Whether its mail has a pixel; plain text has none.
    has_pixel: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedParts:
    """What of a task's mail is tracked, and where that leads."""

    #: The address of the public listener, without a slash at its end.
    public_url: str
    opens: bool
    #: None: links stay as they are.
    links: Links | None = None


def tracked_template(template: MailTemplate, parts: TrackedParts) -> TrackedTemplate:
    """The template with what is tracked. Raises TemplateError as `load_template` does."""
    files = _Files(template)
    if files.have_marks:
        return TrackedTemplate(template, (), has_pixel=False)
    html = template.html
    if html is not None:
        loader = _TrackedLoader(files, parts, is_html=True)
        html = _compiled(template, loader, HTML)
    text = template.text
    if parts.links is not None:
        loader = _TrackedLoader(files, parts, is_html=False)
        text = _compiled(template, loader, HTML if template.has_text_from_html else TEXT)
    return TrackedTemplate(
        template=replace(template, html=html, text=text),
        targets=tuple(parts.links.targets) if parts.links else (),
        has_pixel=parts.opens and html is not None,
    )


def _compiled(template: MailTemplate, loader: _TrackedLoader, file: str) -> CompiledPart:
    from_html = not loader.is_html and file == HTML
    environment = make_environment(loader, autoescape=not from_html, kind=_TrackedEnvironment)
    if from_html:
        environment.filters.update(filters_of_text_parts())
    path, part = f"{template.name}/{file}", TEXT_FROM_HTML if from_html else file
    try:
        # Jinja2 loads included files with the first message: the links of all have to be known before.
        loader.track_all(environment, path)
        compiled = environment.get_template(path)
    except COMPILE_ERRORS as error:
        raise wrap_jinja_error(error, template=template.name, part=part) from error
    return CompiledPart(compiled, source=environment.source_of(path)[0], template_name=template.name, part=part)


class _TrackedEnvironment(MailEnvironment):
    """The Jinja2 of tracked bodies: a mark in a text is the token of the message."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for output in tree.find_all(nodes.Output):
            output.nodes = [one for node in output.nodes for one in _unmarked(node)]
        tree.set_environment(self)
        return tree


def _unmarked(node: nodes.Expr) -> Iterator[nodes.Expr]:
    if not isinstance(node, nodes.TemplateData):
        yield node
        return
    begin = 0
    for at, character in enumerate(node.data):
        if value := _MARKS.get(character):
            if begin < at:
                yield nodes.TemplateData(node.data[begin:at], lineno=node.lineno)
            yield nodes.Name(value, "load", lineno=node.lineno)
            begin = at + 1
    if begin < len(node.data):
        yield nodes.TemplateData(node.data[begin:], lineno=node.lineno)


class _TrackedLoader(BaseLoader):
    """Loads the files that a template was loaded from, with what is tracked in them."""

    def __init__(self, files: _Files, parts: TrackedParts, *, is_html: bool) -> None:
        self._files, self._parts, self.is_html = files, parts, is_html
        self.limits = files.limits
        self._read: dict[str, str] = {}

    def track_all(self, environment: Environment, path: str) -> None:
        """Load a file and all that it names, each once, in the order of their names."""
        for name in self._files.named_by(path):
            self.get_source(environment, name)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:
        """See InsideLoader."""
        source, path = self._files.source(template, as_text=not self.is_html)
        if template not in self._read:
            self._read[template] = self._tracked(environment, template, source)
        return self._read[template], path, None

    def _tracked(self, environment: Environment, path: str, source: str) -> str:
        if path in self._files.without_values:
            return source
        protected = ProtectedSource(source, environment)
        if not protected.is_protected:
            return source
        links = self._parts.links
        if not self.is_html:
            return protected.changed(changes_in_text(protected, links)) if links else source
        changes = changes_in_html(protected, links) if links else []
        if self._parts.opens and path in self._files.pixel_files:
            changes += pixels_in_page(protected, pixel(self._parts.public_url))
        return protected.changed(changes)


class _Files:
    """The files of a template: what they say, and what they get of a message's values."""

    def __init__(self, template: MailTemplate) -> None:
        self._environment, self._text = template.environments
        self.limits = self._environment.limits
        self._names: dict[str, list[tuple[str, bool]]] = {}
        #: Files that are imported, or included, without the message's values: they can have no token.
        self.without_values: set[str] = set()
        html, text = f"{template.name}/{HTML}", f"{template.name}/{TEXT}"
        main = text if template.html is None else html
        with_values: set[str] = set()
        self._walk(main, with_values, has_values=True)
        of_html = set(with_values)
        if not template.has_text_from_html:
            self._walk(text, with_values, has_values=True)
        #: Whether there is a character of a mark in any of them.
        self.have_marks = any(mark in self.source(path)[0] for path in self._names for mark in _MARKS)
        pages = {path for path in of_html - self.without_values if has_body(self.source(path)[0])}
        #: The files that the pixel stands in: those with a `<body>`, else the one that all others are in.
        self.pixel_files = pages or {self._outermost(main)}

    def source(self, path: str, *, as_text: bool = False) -> tuple[str, str | None]:
        """What a file says, in a text part made of HTML its text, and its path. Raises TemplateNotFound."""
        source, found_at, _ = (self._text if as_text else self._environment).source_of(path)
        return source, found_at

    def named_by(self, path: str) -> list[str]:
        """A file and those that it includes, imports or extends, and those that these do, each once."""
        found = [path]
        for one in found:
            found += (name for name, _ in self._names[one] if name not in found)
        return list(dict.fromkeys(found))

    def _walk(self, path: str, with_values: set[str], *, has_values: bool) -> None:
        seen = with_values if has_values else self.without_values
        if path in seen:
            return
        seen.add(path)
        for name, has_context in self._named_in(path):
            self._walk(name, with_values, has_values=has_values and has_context)

    def _named_in(self, path: str) -> list[tuple[str, bool]]:
        """The files that a file names, and whether each has the values that it has itself."""
        if path not in self._names:
            self._names[path] = [
                (name, isinstance(node, nodes.Extends) or bool(getattr(node, "with_context", False)))
                for node in self._tree(path).find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends))
                for name in _constants(node)
            ]
        return self._names[path]

    def _outermost(self, path: str) -> str:
        while (extends := next(self._tree(path).find_all(nodes.Extends), None)) is not None:
            path = next(_constants(extends))
        return path

    def _tree(self, path: str) -> nodes.Template:
        source, found_at, _ = self._environment.source_of(path)
        return self._environment.parse(source, path, found_at)


def _constants(node: nodes.Node) -> Iterator[str]:
    """The names of files in a node; `undeclared_variables` has refused any other."""
    template: nodes.Node = node.template  # type: ignore[attr-defined]
    constants = [template] if isinstance(template, nodes.Const) else template.find_all(nodes.Const)
    for constant in constants:
        values = constant.value if isinstance(constant.value, tuple | list) else [constant.value]
        yield from (value for value in values if isinstance(value, str))
