"""Base of the servers that come from Debian: they see their usual paths, in layers above this machine's files."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import ClassVar

from tests.servers.debian_packages import installed
from tests.servers.mail_server import MailServer
from tests.servers.sandbox import Sandbox

#: Where a server sees the folder that it shares with this program.
SHARED = "/srv/run"
#: Writes its standard input as one file into the store: for servers that deliver to a program.
DELIVER = """#!/bin/sh
set -e
umask 022
name=$(date +%s%N).$$
cat > /srv/run/store/tmp/$name
mv /srv/run/store/tmp/$name /srv/run/store/new/$name
"""


class DebianServer(MailServer):
    """A subclass names its packages, the server itself first, writes its configuration, and says how it is started."""

    packages: ClassVar[tuple[str, ...]]
    #: For debconf.
    answers: ClassVar[str] = ""

    def install(self) -> None:
        self._layer, self.version = installed(self.cache, self.packages, self.folder, answers=self.answers)

    def prepare(self, variant: str) -> None:
        self.sandbox = Sandbox(self.run_folder, layered=True)
        # A copy: queues, spools and logs of this run go with it. (An overlay cannot have a layer inside another one.)
        subprocess.run(["cp", "-a", "--reflink=auto", self._layer, self.sandbox.upper], check=True)
        self.write("/srv/run/deliver", DELIVER, mode=0o755)
        self.configure(variant)

    def configure(self, variant: str) -> None:
        """Write the configuration by `write`."""
        raise NotImplementedError

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file as the server will see it."""
        file = self._file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path: str) -> str:
        """A file as the server sees it: of its own layer, or of the machine, where the package was before."""
        file = self._file(path)
        return (file if file.exists() else Path(path)).read_text()

    def append(self, path: str, text: str) -> None:
        """More at the end of a file that the package, or the machine, has."""
        file = self._file(path)
        self.write(path, self.read(path) + text, mode=(file if file.exists() else Path(path)).stat().st_mode & 0o777)

    def _file(self, path: str) -> Path:
        inside = path.startswith(SHARED + "/")
        return self.sandbox.shared / path[len(SHARED) + 1 :] if inside else self.sandbox.upper / path[1:]
