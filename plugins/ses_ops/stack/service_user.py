"""The user of PostgreSQL when the stack is started by root.

PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time

from ses_ops.errors import SesError

SERVICE_USER = "ses-postgres"
#: A user that every Linux has, for systems where no user can be made.
FALLBACK_USER = "nobody"


def service_user() -> pwd.struct_passwd | None:
    """The user to run PostgreSQL as, made if it is missing; None when this process is not root's."""
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
