"""Servers from Debian, each installed into a layer of its own above this machine's files (overlayfs).

Debian's mail servers exclude one another, and each brings users, files below /etc and /var, and a service. Here all of
that lands in a folder of the cache: the machine itself never sees it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.servers.cache import packages_of_machine
from tests.servers.not_run import NotRun
from tests.servers.sandbox import Sandbox, namespaces_allowed

#: Debian's way to say that no service is to be started by an installation (see policy-rc.d of invoke-rc.d).
_NO_SERVICES = "#!/bin/sh\nexit 101\n"
#: $1...: packages. Lists of packages may be old or not there at all. The download's sandbox user cannot see our layers.
_INSTALL = """
set -e
export DEBIAN_FRONTEND=noninteractive
options="-o APT::Sandbox::User=root -o Dpkg::Use-Pty=0"
apt-get $options install -y -q --no-install-recommends "$@" || {
    apt-get $options update -q
    apt-get $options install -y -q --no-install-recommends "$@"
}
apt-get clean
"""

#: A file in a layer: the version of its server.
_VERSION = "server-version"


def installed(cache: Path, packages: Sequence[str], work: Path, *, answers: str = "") -> tuple[Path, str]:
    """The layer that has the packages, to be copied, and the version of the first. Raises NotRun.

    `answers` are for debconf, as `debconf-set-selections` reads them.
    """
    if shutil.which("apt-get") is None:
        raise NotRun("it comes from Debian's packages, and this machine has no apt-get")
    if os.geteuid() != 0:
        raise NotRun("it comes from Debian's packages, which are installed into layers of their own: needs root")
    if not namespaces_allowed():
        raise NotRun("it comes from Debian's packages, and this machine allows no mount namespaces to put them into")
    layer = cache / "debian" / f"{packages[0]}-{packages_of_machine()}"
    if not layer.exists():
        # A layer fits only the files that it was made above: the machine's packages have changed since.
        for old in layer.parent.glob(f"{packages[0]}-????????????"):
            shutil.rmtree(old)
        print(f"  installing {', '.join(packages)} from Debian into {layer}", flush=True)
        _install(layer, packages, work, answers)
    return layer, (layer / _VERSION).read_text()


def _install(layer: Path, packages: Sequence[str], work: Path, answers: str) -> None:
    """Into a folder beside it first: a layer that is there is whole."""
    layer.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="installing-", dir=layer.parent))
    folder.chmod(0o755)
    try:
        sandbox = Sandbox(folder, layered=True)
        policy = sandbox.upper / "usr" / "sbin" / "policy-rc.d"
        policy.parent.mkdir(parents=True)
        policy.write_text(_NO_SERVICES)
        policy.chmod(0o755)
        if answers:
            (sandbox.shared / "answers").write_text(answers)
            sandbox.run(["debconf-set-selections", "/srv/run/answers"])
        sandbox.run(["sh", "-c", _INSTALL, "sh", *packages])
        version = sandbox.run(["dpkg-query", "-W", "-f", "${Version}", packages[0]])
        (sandbox.upper / _VERSION).write_text(version.split(":")[-1])
        sandbox.upper.chmod(0o755)
        sandbox.upper.rename(layer)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
