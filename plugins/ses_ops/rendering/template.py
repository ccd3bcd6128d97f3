"""The mail templates of `include/templates/<name>/`: subject.txt, body.html and/or body.txt, sample.json.

A template may include, import or extend files of the same folder of templates by their path in it, for example
`{% extends "_layout/base.html" %}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError

from ses_ops import settings
from ses_ops.domain.template_variables import RESERVED_VARIABLES, UNSUBSCRIBE_URL, recipient_values, variable_name
from ses_ops.errors import NotFound, TemplateError
from ses_ops.rendering.comments import Comment
from ses_ops.rendering.compiled_part import CompiledPart, wrap_jinja_error
from ses_ops.rendering.environment import COMPILE_ERRORS, MailEnvironment, make_environment
from ses_ops.rendering.header import clean_subject
from ses_ops.rendering.link_use import LinkUse, bare_link
from ses_ops.rendering.operations import filters_of_text_parts
from ses_ops.rendering.task_text import check_task_text
from ses_ops.rendering.template_files import decoded
from ses_ops.rendering.template_loader import InsideLoader
from ses_ops.rendering.template_place import Place, folder_of, found_file, has_template, octets_of
from ses_ops.rendering.text_from_html import CannotConvert, text_from_html
from ses_ops.rendering.variables import undeclared_variables

SUBJECT, HTML, TEXT, SAMPLE = "subject.txt", "body.html", "body.txt", "sample.json"
#: How the text part made from the HTML is called in errors.
TEXT_FROM_HTML = "text of body.html"
#: Bytes of the sample values: as many as a template has use for.
MAX_SAMPLE = 1024 * 1024
#: As long as a folder may be called.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,200}")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A message as its recipient sees it, before it becomes MIME."""

    subject: str
    #: None when the template has no HTML part.
    html: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class MailTemplate:
    """A template, compiled: what it was loaded from can change without changing it."""

    name: str
    subject: CompiledPart
    html: CompiledPart | None
    text: CompiledPart
    #: Values to show a preview with, a text for each variable; empty without a sample.json.
    sample_values: dict[str, str]
    variables: frozenset[str] = field(default=frozenset())
    _subject_variables: frozenset[str] = frozenset()
    #: Where a body, or the template's own subject, shows the unsubscribe link though a task may have none.
    _bare_link: LinkUse | None = None
    _bare_link_of_subject: LinkUse | None = None
    #: Whether a body shows the unsubscribe link somewhere.
    link_in_html: bool = False
    link_in_text: bool = False
    #: Comments in its files that may not be meant to be any.
    doubtful_comments: tuple[Comment, ...] = ()
    #: Where its files are, and those that they include.
    root: Place
    #: What its HTML, and its text part, were compiled in; both have the sources of all files that they read.
    environments: tuple[MailEnvironment, MailEnvironment] = field(repr=False)
    #: Whether the text part was made of the HTML.
    has_text_from_html: bool
    #: Whether it has a subject of its own. One of the database may have none, as those of the reference.
    has_subject: bool = True

    def variables_for(self, subject: str | None = None, unsubscribe_url: str | None = None) -> frozenset[str]:
        """The variables that a recipient group must have for a task with this subject and unsubscribe link.

        `subject` takes the place of the template's own. Raises TemplateError when one of them does not compile.
        """
        names = self.variables
        names |= self._subject_variables if subject is None else self._variables_of(subject, "subject")
        if unsubscribe_url is not None:
            names |= self._variables_of(unsubscribe_url, "unsubscribe_url")
        return names - RESERVED_VARIABLES

    def bare_link(self, subject: str | None = None) -> LinkUse | None:
        """Where its mail has an empty link in a task with this subject and no unsubscribe link; None if nowhere.

        Raises TemplateError when the subject does not compile.
        """
        if subject is None:
            return self._bare_link or self._bare_link_of_subject
        if self._bare_link is not None:
            return self._bare_link
        try:
            return bare_link(make_environment(InsideLoader(self.root)), subject, "subject")
        except COMPILE_ERRORS as error:
            raise wrap_jinja_error(error, template=self.name, part="subject") from error

    def compile_text(self, source: str, part: str, environment: MailEnvironment | None = None) -> CompiledPart:
        """A text that the task brings along (its subject, its unsubscribe link), compiled.

        Raises TemplateError, also when it holds more than values and filters (`task_text`).
        """
        environment = environment or make_environment(InsideLoader(self.root))
        try:
            check_task_text(environment, source)
            compiled = environment.from_string(source)
        except COMPILE_ERRORS as error:
            raise wrap_jinja_error(error, template=self.name, part=part) from error
        return CompiledPart(compiled, source=source, template_name=self.name, part=part)

    def preview(
        self, values: Mapping[str, str] | None = None, *, subject: str | None = None, unsubscribe_url: str = ""
    ) -> Preview:
        """The message for `values` (by default the sample's); raises TemplateError when one is missing."""
        own = recipient_values(self.sample_values if values is None else values)
        chosen = {UNSUBSCRIBE_URL: unsubscribe_url, **own}
        subject_part = self.subject if subject is None else self.compile_text(subject, "subject")
        return Preview(
            subject=clean_subject(subject_part.render(chosen)),
            html=self.html.render(chosen) if self.html else None,
            text=self.text.render(chosen),
        )

    def _variables_of(self, source: str, part: str) -> frozenset[str]:
        environment = make_environment(InsideLoader(self.root))
        try:
            check_task_text(environment, source)
            return undeclared_variables(environment, source)
        except COMPILE_ERRORS as error:
            raise wrap_jinja_error(error, template=self.name, part=part) from error


def list_templates(root: Path) -> list[str]:
    """The names of the templates below `root`, sorted; folders without a subject.txt (layouts) are none."""
    return [name for name in template_folders(root) if _NAME.fullmatch(name) and (root / name / SUBJECT).exists()]


def template_folders(root: Path) -> list[str]:
    """The folders below `root` with a file of a template, sorted, also those that lack another file.

    Folders whose names begin with `_` have files that templates include.
    """
    if not root.is_dir():
        return []
    found = {path.parent.name for file in (SUBJECT, HTML, TEXT) for path in root.glob(f"*/{file}")}
    return sorted(name for name in found if name[0] not in "_.")


def is_template_name(name: str) -> bool:
    """Whether a template may have this name."""
    return _NAME.fullmatch(name) is not None


def load_template(place: Place, name: str) -> MailTemplate:
    """The template `name` of a folder, or of a place of its own, compiled and checked.

    Raises NotFound or TemplateError.
    """
    if not _NAME.fullmatch(name):
        raise TemplateError("not_a_template_name", template=name)
    if not has_template(place, name):
        folder = folder_of(place)
        known = list_templates(folder) if folder else []
        raise NotFound("template", name, folder=settings.short(folder) if folder else "", names=known)
    return _Loading(place, name).load()


class _Loading:
    """One template being loaded."""

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._files = InsideLoader(place)
        self._plain = make_environment(self._files)
        self._bare_link: LinkUse | None = None
        self._from_html = make_environment(InsideLoader(place, self._text_of), autoescape=False)
        self._from_html.filters.update(filters_of_text_parts())

    def load(self) -> MailTemplate:
        if not self._has(SUBJECT):
            raise self._error("no_subject")
        subject, names_in_subject = self._part(self._plain, SUBJECT)
        bare_in_subject, self._bare_link = self._bare_link, None
        if "\n" in self._plain.source_of(f"{self._name}/{SUBJECT}")[0].strip():
            raise self._error("subject_of_several_lines", SUBJECT)
        has_html, has_text = self._has(HTML), self._has(TEXT)
        if not has_html and not has_text:
            raise self._error("no_body")
        html, names = self._part(self._plain, HTML) if has_html else (None, frozenset())
        if has_text:
            text, names_in_text = self._part(self._plain, TEXT)
        else:
            text, names_in_text = self._part(self._from_html, HTML, called=TEXT_FROM_HTML)
        return MailTemplate(
            name=self._name,
            subject=subject,
            html=html,
            text=text,
            sample_values=self._sample(),
            variables=(names | names_in_text) - RESERVED_VARIABLES,
            _subject_variables=names_in_subject,
            _bare_link=self._bare_link,
            link_in_html=UNSUBSCRIBE_URL in names,
            link_in_text=UNSUBSCRIBE_URL in names_in_text,
            doubtful_comments=tuple(comment for found in self._files.doubtful.values() for comment in found),
            _bare_link_of_subject=bare_in_subject,
            root=self._place,
            environments=(self._plain, self._plain if has_text else self._from_html),
            has_text_from_html=not has_text,
            has_subject=isinstance(self._place, Path) or bool(subject.source.strip()),
        )

    def _part(
        self, environment: MailEnvironment, file: str, called: str | None = None
    ) -> tuple[CompiledPart, frozenset[str]]:
        """One part, compiled, with its variables."""
        part = called or file
        path = f"{self._name}/{file}"
        try:
            source, _, _ = environment.source_of(path)
            names = undeclared_variables(environment, source)
            compiled = environment.get_template(path)
            if not called:  # the text that is made of HTML is as that is
                self._bare_link = self._bare_link or bare_link(environment, source, path)
        except CannotConvert as error:
            raise self._error("html_not_converted", HTML, why=error) from error
        except TemplateSyntaxError as error:
            if called:  # the HTML itself has compiled before
                raise self._error("html_not_converted", HTML, why=error) from error
            raise wrap_jinja_error(error, template=self._name, part=part) from error
        except UnicodeDecodeError as error:
            raise self._error("file_not_utf8", part, byte=error.start) from error
        except COMPILE_ERRORS as error:
            raise wrap_jinja_error(error, template=self._name, part=part) from error
        return CompiledPart(compiled, source=source, template_name=self._name, part=part), names

    def _text_of(self, path: str, source: str) -> str:
        if not path.endswith(".html"):
            return source
        return text_from_html(source, self._plain, fragment=path != f"{self._name}/{HTML}")

    def _has(self, file: str) -> bool:
        return found_file(self._place, f"{self._name}/{file}") is not None

    def _sample(self) -> dict[str, str]:
        found = found_file(self._place, f"{self._name}/{SAMPLE}")
        if found is None:
            return {}
        octets = octets_of(found, MAX_SAMPLE)
        if len(octets) > MAX_SAMPLE:
            raise self._error("file_too_large", SAMPLE, file=SAMPLE, most=MAX_SAMPLE)
        try:
            values = json.loads(decoded(octets))
        except ValueError as error:
            raise self._error("sample_not_json", SAMPLE, cause=error) from error
        except RecursionError as error:
            raise self._error("sample_not_an_object", SAMPLE) from error
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise self._error("sample_not_an_object", SAMPLE)
        written: dict[str, str] = {}
        for name in values:
            if (first := written.setdefault(variable_name(name), name)) != name:
                raise self._error("sample_variables_are_one", SAMPLE, one=first, other=name)
        return dict(recipient_values(values))

    def _error(self, code: str, part: str | None = None, /, **facts: Any) -> TemplateError:
        return TemplateError(code, **{**facts, "template": self._name, "part": part})
