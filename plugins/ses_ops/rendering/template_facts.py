"""A template for lists: what it is called, what it needs, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ses_ops.errors import TemplateError
from ses_ops.rendering.template import HTML, SAMPLE, SUBJECT, TEXT, MailTemplate, load_template
from ses_ops.rendering.template_files import decoded
from ses_ops.rendering.template_place import Place, found_file, octets_of, size_of

#: Bytes of a file that are shown.
MAX_SHOWN = 256 * 1024
#: Stands for the link in previews, where no task says what it is.
EXAMPLE_UNSUBSCRIBE_URL = "https://example.com/unsubscribe"
FILES = (SUBJECT, HTML, TEXT, SAMPLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateFacts:
    """A template, or a folder that is to be one."""

    name: str
    #: As it stands in the file; empty when there is none that can be read.
    subject: str
    variables: tuple[str, ...]
    #: "html", "text".
    parts: tuple[str, ...]
    #: Bytes of its files.
    size: int
    #: Why it cannot be used.
    error: TemplateError | None = None
    #: What does not keep it from being used, and should be looked at.
    warnings: tuple[TemplateError, ...] = ()


def template_facts(place: Place, name: str) -> TemplateFacts:
    """Load, compile and, if it has sample values, render a template. What is wrong with it is a fact, no error."""
    variables: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    warnings: tuple[TemplateError, ...] = ()
    problem: TemplateError | None = None
    try:
        loaded = load_template(place, name)
        variables = tuple(sorted(loaded.variables_for()))
        parts = ("html", "text") if loaded.html else ("text",)
        warnings = tuple(_warnings(loaded))
        if loaded.sample_values or not variables:
            loaded.preview(unsubscribe_url=EXAMPLE_UNSUBSCRIBE_URL)
    except TemplateError as error:
        problem = error
    except OSError as error:
        problem = TemplateError("template_not_readable", cause=error.strerror, template=name)
    sources = template_sources(place, name)
    return TemplateFacts(
        name=name,
        subject=sources.get(SUBJECT, "").strip(),
        variables=variables,
        parts=parts,
        size=sum(size_of(place, f"{name}/{file}") for file in FILES),
        error=problem,
        warnings=warnings,
    )


def _warnings(template: MailTemplate) -> Iterator[TemplateError]:
    use = template.bare_link()
    if use is not None:
        yield TemplateError(
            "unsubscribe_url_shown",
            line=use.line,
            file=use.file,
            template=template.name,
        )
    for one in template.doubtful_comments:
        yield TemplateError(
            "comment_swallows_element",
            line=one.line,
            file=one.file,
            last=one.last_line,
            template=template.name,
        )


def template_sources(place: Place, name: str) -> dict[str, str]:
    """The files of a template as they are written, by name: of a long one the beginning, what is no UTF-8 as �.

    Links that lead out of the folder are left out.
    """
    found = {}
    for file in FILES:
        found_at = found_file(place, f"{name}/{file}")
        if found_at is None:
            continue
        with suppress(OSError):
            octets = octets_of(found_at, MAX_SHOWN)
            text = decoded(octets[:MAX_SHOWN], errors="replace")
            found[file] = text if len(octets) <= MAX_SHOWN else f"{text}\n…"
    return found
