"""Where the template of a name is: in the folder of templates, or in the database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.rendering.template import HTML, SUBJECT, TEXT, is_template_name
from ses_ops.rendering.template_place import Place, StoredFiles
from ses_ops.storage.templates import stored

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.templates.stored import TemplateTexts


def template_place(conn: Connection, root: Path, name: str) -> Place:
    """The place for `load_template`: the folder, unless only the database has a template of this name."""
    if not is_template_name(name) or (root / name).is_dir():
        return root
    found = stored.newest(conn, name=name)
    return root if found is None else stored_place(root, name, found.texts, found.version)


def stored_place(root: Path | None, name: str, texts: TemplateTexts, version: int) -> StoredFiles:
    """The place of a stored template, which may include files of the folder."""
    files = {SUBJECT: texts.subject or "", HTML: texts.html, TEXT: texts.text}
    found = {f"{name}/{file}": text for file, text in files.items() if text is not None}
    return StoredFiles(files=found, folder=root, version=version)


def stored_names(conn: Connection, folder: Iterable[str]) -> list[str]:
    """The names of stored templates that no template of the folder has, sorted."""
    hidden = set(folder)
    return [name for name in stored.names(conn) if name not in hidden]
