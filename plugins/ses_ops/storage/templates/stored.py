"""Templates that were made by the API, with all their versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.named_sql import (
    execute,
    fetch_all,
    fetch_one,
    fetch_row,
    fetch_rows,
    fetch_value,
    fetch_values,
    statements,
)

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


class TemplateTexts(NamedTuple):
    """What a version says. None: it has no such part."""

    subject: str | None
    text: str | None
    html: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTemplate:
    """A template in one version."""

    id: int
    name: str
    #: As a client called it.
    title: str
    version: int
    subject: str | None
    text: str | None = field(repr=False)
    html: str | None = field(repr=False)
    created_at: datetime
    created_by: str
    #: Of this version.
    written_at: datetime
    written_by: str

    @property
    def texts(self) -> TemplateTexts:
        """What it says."""
        return TemplateTexts(self.subject, self.text, self.html)


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateLine:
    """A template for lists, without its texts."""

    id: int
    name: str
    title: str
    version: int
    subject: str | None
    has_text: bool
    has_html: bool
    #: Octets of its texts.
    size: int
    created_at: datetime
    created_by: str
    written_at: datetime
    written_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateVersion:
    """One version of a template."""

    version: int
    subject: str | None
    text: str | None = field(repr=False)
    html: str | None = field(repr=False)
    written_at: datetime
    written_by: str


def insert(conn: Connection, *, name: str, title: str, texts: TemplateTexts, by: str) -> int:
    """Write a template; its number. Raises KeyTaken when another has the name."""
    row = fetch_one(conn, _SQL["insert"], name=name, title=title, by=by)
    assert row is not None
    number: int = row["id"]
    _write(conn, number, row["version"], texts, by)
    return number


def rename(conn: Connection, number: int, name: str) -> None:
    """Give a template its name. Raises KeyTaken when another has the name."""
    execute(conn, _SQL["rename"], id=number, name=name)


def add_version(conn: Connection, number: int, version: int, *, title: str, texts: TemplateTexts, by: str) -> None:
    """Write a version, which is the newest from now on. The template is locked."""
    _write(conn, number, version, texts, by)
    set_newest(conn, number, version, title=title)


def set_newest(conn: Connection, number: int, version: int, *, title: str) -> None:
    """Say which version is the newest, and what a client calls the template."""
    execute(conn, _SQL["set_newest"], id=number, version=version, title=title)


def lock(conn: Connection, number: int) -> bool:
    """Lock a template; False when there is none any more."""
    return fetch_value(conn, _SQL["lock"], id=number) is not None


def newest(conn: Connection, *, name: str | None = None, number: int | None = None) -> StoredTemplate | None:
    """The template of a name, or of a number, in its newest version."""
    return fetch_row(conn, StoredTemplate, _SQL["newest"], name=name, id=number)


def of_version(conn: Connection, name: str, version: int) -> StoredTemplate | None:
    """A template in one of its versions, also when it was deleted."""
    return fetch_row(conn, StoredTemplate, _SQL["of_version"], name=name, version=version)


def newest_versions(conn: Connection) -> dict[str, int]:
    """The newest version of each template, by name."""
    return {row["name"]: row["version"] for row in fetch_all(conn, _SQL["newest_versions"])}


def names(conn: Connection) -> list[str]:
    """The names of all templates, sorted."""
    return fetch_values(conn, _SQL["names"])


def listed(conn: Connection, *, limit: int, offset: int = 0, after: int | None = None) -> list[TemplateLine]:
    """Templates in the order of their numbers, those behind the number `after`."""
    return fetch_rows(conn, TemplateLine, _SQL["listed"], limit=limit, offset=offset, after=after)


def count(conn: Connection) -> int:
    """Number of templates."""
    found: int = fetch_value(conn, _SQL["count"])
    return found


def versions(conn: Connection, number: int) -> list[TemplateVersion]:
    """The versions of a template, the newest first."""
    return fetch_rows(conn, TemplateVersion, _SQL["versions"], id=number)


def delete(conn: Connection, number: int) -> bool:
    """Delete a template; its versions stay for mail that was accepted. False when it is deleted already."""
    return execute(conn, _SQL["delete"], id=number) > 0


def unfinished_tasks(conn: Connection, name: str) -> list[str]:
    """The send tasks that have not ended and use a template, by name."""
    return fetch_values(conn, _SQL["unfinished_tasks"], name=name)


def _write(conn: Connection, number: int, version: int, texts: TemplateTexts, by: str) -> None:
    execute(conn, _SQL["write_version"], id=number, version=version, **texts._asdict(), by=by)
