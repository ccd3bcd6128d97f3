"""Where the templates of the command line are: in the folder, and in the database if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops import settings
from ses_ops.cli.output import note
from ses_ops.cli.session import database
from ses_ops.errors import DatabaseUnavailable, LookUpFailed, NotSetUp, SesError

if TYPE_CHECKING:
    from pathlib import Path

    from ses_ops.rendering.template_place import Place


def names() -> list[str]:
    """The names of all templates, sorted. Without a database those of the folder."""
    from ses_ops.rendering.template import list_templates
    from ses_ops.sending.template_place import stored_names

    of_folder = list_templates(settings.templates_root())
    try:
        with database() as conn:
            return sorted([*of_folder, *stored_names(conn, of_folder)])
    except NotSetUp:
        return of_folder
    except (DatabaseUnavailable, LookUpFailed) as problem:
        note(f"templates of the database are not shown: {problem}")
        return of_folder


def place(name: str) -> Place:
    """Where the files of a template are. Raises SesError when the database had to be asked and cannot be."""
    from ses_ops.sending.template_place import template_place

    root: Path = settings.templates_root()
    if (root / name).is_dir():
        return root
    try:
        with database() as conn:
            return template_place(conn, root, name)
    except NotSetUp:
        return root
    except (DatabaseUnavailable, LookUpFailed) as problem:
        raise SesError(f"there is no template {name!r} in {settings.short(root)}, and {problem}") from problem
