"""What the machine must be and have. Nothing is installed without saying so."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.compose.images import REPOSITORY

#: Debian's packages: program that shows that it is there -> package.
_PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "iptables": "iptables",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "/usr/bin/catatonit": "catatonit",
}


def unfit() -> str:
    """Why this cannot run here, in words; empty when it can."""
    if os.geteuid() != 0:
        return "containers with networks and limits of their own need root; run: sudo make test-compose"
    if shutil.which("apt-get") is None:
        return "the stand-ins of the images come from Debian's packages, and this machine has no apt-get"
    return ""


def install() -> None:
    """Say which of Debian's packages are missing, and install those."""
    missing = [package for program, package in _PACKAGES.items() if shutil.which(program) is None]
    if missing:
        print(f"make test-compose installs Debian's packages: {' '.join(missing)}", flush=True)
        subprocess.run([str(REPOSITORY / "scripts/install-debian-packages.sh"), *missing], check=True)


def cache_folder() -> Path:
    """`compose` below SES_HOME if that is set, else `ses-ops/compose` below the user's cache: images between runs."""
    if home := os.environ.get("SES_HOME"):
        return Path(home) / "compose"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ses-ops" / "compose"
