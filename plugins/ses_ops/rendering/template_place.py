"""Where a template's files are: in the folder of templates, in the database, or in a message of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ses_ops.rendering.template_files import MAX_CODE, inside, read_octets


class RenderingLimits(NamedTuple):
    """Bounds of one part of one message, and of a source."""

    #: Units of work and seconds of CPU time (budget.py); None: those of every template.
    work: int | None = None
    seconds: float | None = None
    #: Characters of a source between the signs of Jinja2.
    code: int = MAX_CODE


OF_TEMPLATES = RenderingLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFiles:
    """Files of a template that is not in the folder. It can be pickled."""

    #: By path, such as `welcome/body.html`.
    files: Mapping[str, str] = field(repr=False)
    #: The folder whose files it may include; None: no file but its own.
    folder: Path | None = None
    #: Of a template of the database; None for the texts of a message.
    version: int | None = None
    limits: RenderingLimits = OF_TEMPLATES


#: A folder of templates, or files that hide those of a folder.
Place = Path | StoredFiles


def found_file(place: Place, path: str) -> Path | str | None:
    """A file by its path: where it is in the folder, or its text; None where there is none."""
    if isinstance(place, Path):
        return inside(place, path)
    if path in place.files:
        return place.files[path]
    return inside(place.folder, path) if place.folder is not None else None


def octets_of(found: Path | str, most: int) -> bytes:
    """The first octets of what `found_file` found: one more than `most` when there are more. Raises OSError."""
    return read_octets(found, most) if isinstance(found, Path) else found.encode()[: most + 1]


def size_of(place: Place, path: str) -> int:
    """Octets of a file; 0 for none."""
    found = found_file(place, path)
    try:
        return len(found.encode()) if isinstance(found, str) else found.stat().st_size if found else 0
    except OSError:
        return 0


def has_template(place: Place, name: str) -> bool:
    """Whether there is a folder of this name, or what stands for one."""
    if isinstance(place, Path):
        return (place / name).is_dir()
    begin = f"{name}/"
    return any(path.startswith(begin) for path in place.files) or (
        place.folder is not None and (place.folder / name).is_dir()
    )


def folder_of(place: Place) -> Path | None:
    """The folder of templates."""
    return place if isinstance(place, Path) else place.folder


def limits_of(place: Place) -> RenderingLimits:
    """The bounds of templates of this place."""
    return OF_TEMPLATES if isinstance(place, Path) else place.limits
