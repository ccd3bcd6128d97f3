"""The user that PostgreSQL runs as when we are root (it refuses to run as root), and that user's way to its files.

A repository below /root, or in a folder of `mktemp -d`, is closed to everybody else. The user gets the right to pass
through these folders - not to list them - by an access control list entry of its own; only where the file system has
no such lists, by the "others: search" bit.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import struct
import subprocess
import time
from pathlib import Path

from ses_ops.errors import SesError

SERVICE_USER = "ses-postgres"
#: Exists on every Linux; used where no user can be made.
FALLBACK_USER = "nobody"

_ACL = "system.posix_acl_access"
#: Linux, include/uapi/linux/posix_acl_xattr.h: a version, then entries of tag, permissions, id.
_ACL_VERSION, _ENTRY = struct.pack("<I", 2), struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_SEARCH = 1


def service_user() -> pwd.struct_passwd | None:
    """The user to run PostgreSQL as: None when we are not root (then it is our own). Makes it if needed."""
    if os.geteuid() != 0:
        return None
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    for _ in range(10):  # another process may hold the lock of /etc/passwd for a moment
        if known := _user(SERVICE_USER):
            return known
        if useradd is None:
            break
        shell = "/usr/sbin/nologin"
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell]
        if subprocess.run([useradd, *options, SERVICE_USER], capture_output=True, check=False).returncode:
            time.sleep(0.3)
    known = _user(SERVICE_USER) or _user(FALLBACK_USER)
    if known is None:
        raise SesError(
            f"PostgreSQL cannot run as root, and there is no user {SERVICE_USER}: run `useradd {SERVICE_USER}`"
        )
    return known


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def let_pass(user: pwd.struct_passwd, path: Path) -> list[Path]:
    """Let `user` pass through every folder above `path` (search right only). Returns the folders that changed."""
    changed = []
    for folder in reversed(path.parents):
        if not _can_search(user, folder):
            _grant_search(user, folder)
            changed.append(folder)
    return changed


def let_read(path: Path) -> None:
    """Let everybody read and run what lies below `path`: an installation made under a narrow umask."""
    for folder, _, names in os.walk(path):
        for entry in [Path(folder), *(Path(folder, name) for name in names)]:
            mode = entry.lstat().st_mode
            wanted = mode | 0o044 | (0o011 if mode & 0o100 else 0)
            if not stat.S_ISLNK(mode) and wanted != mode:
                entry.chmod(stat.S_IMODE(wanted))


def _can_search(user: pwd.struct_passwd, folder: Path) -> bool:
    info = folder.stat()
    if user.pw_uid == info.st_uid:
        return bool(info.st_mode & stat.S_IXUSR)
    entries = _entries(folder)
    mask = next((bits for tag, bits, _ in entries if tag == _MASK), 7)
    for tag, bits, who in entries:
        if tag == _USER and who == user.pw_uid:
            return bool(bits & mask & _SEARCH)
    return bool(info.st_mode & stat.S_IXOTH)


def _entries(folder: Path) -> list[tuple[int, int, int]]:
    """The access control list of a folder: its own, else the one that its mode means."""
    try:
        return list(_ENTRY.iter_unpack(os.getxattr(folder, _ACL)[4:]))
    except (OSError, AttributeError):  # no list on this file system, or not Linux
        mode = folder.stat().st_mode
        return [
            (_USER_OBJ, mode >> 6 & 7, _NO_ID),
            (_GROUP_OBJ, mode >> 3 & 7, _NO_ID),
            (_OTHER, mode & 7, _NO_ID),
        ]


def _grant_search(user: pwd.struct_passwd, folder: Path) -> None:
    entries = [entry for entry in _entries(folder) if (entry[0], entry[2]) != (_USER, user.pw_uid)]
    # The mask limits the group as well: where there was none, it must not take from the group what it had.
    old = next((bits for tag, bits, _ in entries if tag in (_MASK, _GROUP_OBJ)), 0)
    mask = next((bits for tag, bits, _ in entries if tag == _MASK), old) | _SEARCH
    entries = [entry for entry in entries if entry[0] != _MASK]
    entries += [(_USER, _SEARCH, user.pw_uid), (_MASK, mask, _NO_ID)]
    packed = _ACL_VERSION + b"".join(_ENTRY.pack(*entry) for entry in sorted(entries, key=lambda e: (e[0], e[2])))
    try:
        os.setxattr(folder, _ACL, packed)
    except (OSError, AttributeError):
        try:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
        except OSError as cause:
            raise SesError(
                f"PostgreSQL's user {user.pw_name} cannot pass through {folder} ({cause.strerror}): "
                f"run `chmod o+x {folder}`, or put SES_HOME and the repository somewhere else"
            ) from cause
