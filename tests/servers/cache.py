"""Where downloaded servers are kept between runs; nothing else of this program stays on the machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def cache_folder() -> Path:
    """`mail-servers` below SES_HOME if that is set, else `ses-ops/mail-servers` below the user's cache."""
    if home := os.environ.get("SES_HOME"):
        folder = Path(home).absolute() / "mail-servers"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ses-ops" / "mail-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def packages_of_machine() -> str:
    """Twelve letters that change with the machine's own packages: a layer above its files fits only those."""
    try:
        return hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes()).hexdigest()[:12]
    except OSError:
        return "no-dpkg"
