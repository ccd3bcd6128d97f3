"""Use cases of templates that are made by the API: create, a new version, delete, and what is on show."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.application.changed import Changed
from ses_ops.application.template_source import note_change
from ses_ops.errors import Conflict, InvalidInput, NotFound, TemplateError
from ses_ops.rendering import worker
from ses_ops.rendering.template import HTML, SUBJECT, TEXT, is_template_name, load_template
from ses_ops.sending.template_place import stored_place
from ses_ops.storage.connection import KeyTaken, transaction
from ses_ops.storage.templates import stored
from ses_ops.storage.templates.stored import StoredTemplate, TemplateLine, TemplateTexts, TemplateVersion

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.rendering.template_place import StoredFiles

#: Characters of one text of a template, and of its title.
MAX_TEXT, MAX_TITLE = 1_000_000, 200
MAX_SUBJECT = 2_000
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]").search
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]").search
#: The field of a request that a part is in.
_FIELDS = {SUBJECT: "subject", TEXT: "text", HTML: "html", "text of body.html": "html"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateWritten(Changed):
    """The result of a change of a template: how it is now."""

    template: StoredTemplate


def create(
    conn: Connection, actor: Actor, *, name: str | None = None, title: str | None = None, texts: TemplateTexts
) -> TemplateWritten:
    """Make a template. Without a `name` it gets one that is made of the `title`, or of its number.

    Raises InvalidInput, TemplateError for what cannot be compiled, Conflict for a name that is taken.
    """
    title = _checked_title(title if title is not None else name)
    if name is not None:
        check_name(name)
    check_texts(name or "template", texts)
    with actor.recorded("create_template", template=name or title) as recorded:
        with transaction(conn):
            number = _insert(conn, name, title, texts, actor.name)
            made = _by_number(conn, number)
        recorded["template"], recorded["number"], recorded["version"] = made.name, made.id, made.version
    note_change()
    return TemplateWritten(template=made)


def new_version(
    conn: Connection,
    actor: Actor,
    which: str | int,
    *,
    title: str | None = None,
    texts: TemplateTexts,
    seen: int | None = None,
) -> TemplateWritten:
    """Replace the texts of a template, of a name or a number, for all mail that is made from now on.

    Equal texts make no version. Raises NotFound, InvalidInput, TemplateError, and Conflict when the newest version is
    not the one that was `seen`.
    """
    before = get(conn, which)
    title = before.title if title is None else _checked_title(title)
    check_texts(before.name, texts)
    with actor.recorded("change_template", template=before.name, number=before.id) as recorded:
        with transaction(conn):
            if not stored.lock(conn, before.id):
                raise _not_found(which)
            before = _by_number(conn, before.id)
            if seen is not None and seen != before.version:
                raise Conflict("template_changed_meanwhile", name=before.name)
            if texts == before.texts:
                stored.set_newest(conn, before.id, before.version, title=title)
            else:
                stored.add_version(conn, before.id, before.version + 1, title=title, texts=texts, by=actor.name)
            after = _by_number(conn, before.id)
        recorded["version"] = after.version
    note_change()
    return TemplateWritten(template=after, changed=(after.version, after.title) != (before.version, before.title))


def delete(conn: Connection, actor: Actor, which: str | int) -> TemplateWritten:
    """Delete a template. Raises NotFound, Conflict while send tasks that have not ended use it."""
    found = get(conn, which)
    with actor.recorded("delete_template", template=found.name, number=found.id), transaction(conn):
        if tasks := stored.unfinished_tasks(conn, found.name):
            raise Conflict("template_in_use", name=found.name, tasks=tasks)
        if not stored.delete(conn, found.id):
            raise _not_found(which)
    note_change()
    return TemplateWritten(template=found)


def get(conn: Connection, which: str | int, version: int | None = None) -> StoredTemplate:
    """The template of a name or a number, in its newest version or in another. Raises NotFound."""
    with transaction(conn):
        newest = stored.newest(conn, name=which) if isinstance(which, str) else stored.newest(conn, number=which)
        found = newest
        if newest is not None and version is not None and version != newest.version:
            found = stored.of_version(conn, newest.name, version)
    if found is None or newest is None or found.id != newest.id:
        raise _not_found(which)
    return found


def list_stored(conn: Connection, *, limit: int, offset: int = 0, after: int | None = None) -> list[TemplateLine]:
    """Templates in the order of their numbers, those behind the number `after`."""
    with transaction(conn):
        return stored.listed(conn, limit=limit, offset=offset, after=after)


def count(conn: Connection) -> int:
    """Number of templates."""
    with transaction(conn):
        return stored.count(conn)


def versions(conn: Connection, which: str | int) -> list[TemplateVersion]:
    """The versions of a template, the newest first. Raises NotFound."""
    number = get(conn, which).id
    with transaction(conn):
        return stored.versions(conn, number)


# --- checks


def check_name(name: str) -> None:
    """Raise InvalidInput for what is no name, Conflict for one of the folder, which would hide the template."""
    if not is_template_name(name):
        raise InvalidInput("not_a_template_name", field="name")
    if (settings.templates_root() / name).is_dir():
        raise Conflict("template_name_of_folder", name=name)


def check_texts(name: str, texts: TemplateTexts) -> None:
    """Raise InvalidInput or TemplateError, which name the field, for texts of which no mail can be made."""
    if texts.text is None and texts.html is None:
        raise InvalidInput("template_body_missing", field="text")
    for field, text in texts._asdict().items():
        if text is None:
            continue
        most = MAX_SUBJECT if field == "subject" else MAX_TEXT
        if len(text) > most:
            raise InvalidInput("text_too_long", count=len(text), most=most, field=field)
        if (_CONTROL if field == "subject" else _NOT_STORABLE)(text):
            raise InvalidInput("control_character", field=field)
    try:
        worker.call(name, _compile, name, stored_place(settings.templates_root(), name, texts, 1))
    except TemplateError as problem:
        facts = {key: one for key, one in problem.facts.items() if key not in ("template", "part")}
        raise TemplateError(
            problem.code, template=name, **{"field": _FIELDS.get(problem.part or ""), **facts}
        ) from problem


def _compile(name: str, place: StoredFiles) -> None:
    load_template(place, name)


def _checked_title(title: str | None) -> str:
    if title is None or not title.strip():
        raise InvalidInput("field_missing", field="name")
    if len(title) > MAX_TITLE:
        raise InvalidInput("text_too_long", count=len(title), most=MAX_TITLE, field="name")
    if _CONTROL(title):
        raise InvalidInput("control_character", field="name")
    return title.strip()


# --- names


def _insert(conn: Connection, name: str | None, title: str, texts: TemplateTexts, by: str) -> int:
    """Write it; a name that is made of the title must not be one that anything has had."""
    if name is not None:
        try:
            return stored.insert(conn, name=name, title=title, texts=texts, by=by)
        except KeyTaken:
            raise Conflict("template_name_taken", name=name) from None
    number = stored.insert(conn, name=f"new-{uuid.uuid4()}", title=title, texts=texts, by=by)
    stored.rename(conn, number, f"{_slug(title)}-{number}")
    return number


def _slug(title: str) -> str:
    return _NOT_IN_SLUGS.sub("-", title.lower()).strip("-")[:80].strip("-") or "template"


def _by_number(conn: Connection, number: int) -> StoredTemplate:
    found = stored.newest(conn, number=number)
    assert found is not None
    return found


def _not_found(which: str | int) -> NotFound:
    return NotFound("template", str(which), code="no_such_template")
