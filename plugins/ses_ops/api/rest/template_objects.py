"""Templates as the native API answers and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ses_ops import settings
from ses_ops.api.rest.answers import moment
from ses_ops.api.rest.paging import cursor_of, page, position_of
from ses_ops.application import stored_templates
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.rendering.template import HTML, SUBJECT, TEXT, is_template_name, template_folders
from ses_ops.rendering.template_facts import EXAMPLE_UNSUBSCRIBE_URL, template_sources
from ses_ops.rendering.worker_template import facts_in_worker, load_in_worker
from ses_ops.sending.template_place import stored_place, template_place
from ses_ops.storage.templates.stored import TemplateTexts

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.rendering.template_facts import TemplateFacts
    from ses_ops.rendering.template_place import Place
    from ses_ops.storage.templates.stored import StoredTemplate, TemplateLine, TemplateVersion

_LIST = "templates"
_FIELDS = ("title", "subject", "text", "html")


def template_page(conn: Connection, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of all templates: those of the folder by name, behind them those of the database by number."""
    name, number = ("", 0) if cursor is None else position_of(_LIST, cursor, str, int)
    root = settings.templates_root()
    folders = sorted(template_folders(root))
    of_folder = [] if number else [one for one in folders if one > name][: limit + 1]
    made: list[tuple[dict[str, Any], str]] = [(_folder_line(root, one), cursor_of(_LIST, one, 0)) for one in of_folder]
    if len(made) <= limit:
        hidden = set(folders)
        stored = stored_templates.list_stored(conn, limit=limit + 1 - len(made), after=number or None)
        made += [(_stored_line(one), cursor_of(_LIST, "", one.id)) for one in stored if one.name not in hidden]
    following = made[limit - 1][1] if len(made) > limit else None
    return page([one for one, _ in made[:limit]], following)


def _folder_line(root: Any, name: str) -> dict[str, Any]:
    facts = facts_in_worker(root, name)
    return {
        "name": name,
        "origin": "folder",
        "number": None,
        "title": None,
        "version": None,
        "subject": facts.subject,
        "parts": list(facts.parts),
        "written_at": None,
    }


def _stored_line(line: TemplateLine) -> dict[str, Any]:
    parts = [name for name, there in (("html", line.has_html), ("text", line.has_text)) if there]
    return {
        "name": line.name,
        "origin": "stored",
        "number": line.id,
        "title": line.title,
        "version": line.version,
        "subject": line.subject,
        "parts": parts,
        "written_at": moment(line.written_at),
    }


def template_object(conn: Connection, name: str, version: int | None = None) -> dict[str, Any]:
    """A template with its texts. Raises NotFound."""
    root = settings.templates_root()
    if is_template_name(name) and (root / name).is_dir() and version is None:
        sources = template_sources(root, name)
        texts = TemplateTexts(sources.get(SUBJECT), sources.get(TEXT), sources.get(HTML))
        return _object(name, texts, facts_in_worker(root, name), None)
    found = stored_templates.get(conn, name, version)
    place = stored_place(root, name, found.texts, found.version)
    return _object(name, found.texts, facts_in_worker(place, name), found)


def _object(name: str, texts: TemplateTexts, facts: TemplateFacts, of: StoredTemplate | None) -> dict[str, Any]:
    return {
        "name": name,
        "origin": "folder" if of is None else "stored",
        "number": None if of is None else of.id,
        "title": None if of is None else of.title,
        "version": None if of is None else of.version,
        **texts._asdict(),
        "variables": list(facts.variables),
        "parts": list(facts.parts),
        "problem": None if facts.error is None else {"code": facts.error.code, "detail": str(facts.error)},
        "created_at": None if of is None else moment(of.created_at),
        "written_at": None if of is None else moment(of.written_at),
        "written_by": None if of is None else of.written_by,
    }


def version_object(version: TemplateVersion) -> dict[str, Any]:
    """A version of a template."""
    return {
        "version": version.version,
        "subject": version.subject,
        "written_at": moment(version.written_at),
        "written_by": version.written_by,
    }


def read_texts(fields: Any, *, named: bool = False) -> tuple[str | None, str | None, TemplateTexts]:
    """The name, the title and the texts of a request. Raises InvalidInput."""
    known = ("name", *_FIELDS) if named else _FIELDS
    given = _object_of(fields, known)
    for name in known:
        value = given.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput("not_a_text", value=repr(value)[:80], field=name)
    texts = TemplateTexts(given.get("subject"), given.get("text"), given.get("html"))
    return given.get("name"), given.get("title"), texts


def preview_of(conn: Connection, name: str, fields: Any) -> dict[str, Any]:
    """The mail of a template for some values. Raises NotFound, InvalidInput, TemplateError."""
    values = _object_of(fields, ("values",)).get("values")
    if values is not None and not isinstance(values, Mapping):
        raise InvalidInput("not_a_json_object", field="values")
    for one, value in (values or {}).items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidInput("not_a_text", value=repr(value)[:80], field=f"values.{one}"[:200])
    if not is_template_name(name):
        raise NotFound("template", name, code="no_such_template")
    loaded = load_in_worker(_place(conn, name), name)
    chosen = {one: str(value) for one, value in values.items()} if values is not None else loaded.sample_values
    mail = loaded.preview(chosen, unsubscribe_url=EXAMPLE_UNSUBSCRIBE_URL)
    return {"subject": mail.subject, "text": mail.text, "html": mail.html}


def _place(conn: Connection, name: str) -> Place:
    return template_place(conn, settings.templates_root(), name)


def _object_of(fields: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(fields, Mapping):
        raise InvalidInput("body_not_an_object")
    for name in fields:
        if name not in known:
            raise InvalidInput("unknown_key", known=list(known), field=str(name)[:80])
    return fields
