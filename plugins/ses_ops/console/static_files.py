"""Static files: style, script and pictures, served to logged-in users only.

A mounted StaticFiles would not require a login.

Pages link to `<name>?v=<hash>`, which the browser may keep for ever; a new version has another address.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from ses_ops.console.access import signed_in

_FOLDER = Path(__file__).with_name("static")
_FOR_EVER = "private, max-age=31536000, immutable"

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticFile:
    """A file with its headers."""

    content: bytes
    media_type: str
    version: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Every file of `static/` by its relative path, so that no path of a request reaches the file system."""
    return {path.relative_to(_FOLDER).as_posix(): _read(path) for path in _FOLDER.rglob("*") if path.is_file()}


def version_of(name: str) -> str:
    """The value of `v` in links to a file."""
    return static_files()[name].version


@router.get("/static/{name:path}", dependencies=[Depends(signed_in)])
def static_file(request: Request, name: str, v: str = "") -> Response:
    """One file."""
    file = static_files().get(name)
    if file is None:
        raise HTTPException(404)
    headers = {"ETag": f'"{file.version}"', "Cache-Control": _FOR_EVER if v == file.version else "private, no-cache"}
    if file.version in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(content=content, media_type=media_type, version=hashlib.sha256(content).hexdigest()[:16])
