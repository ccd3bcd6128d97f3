"""What the program knows of a mail server: how to get, start, stop and read it."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.servers.not_run import NotRun
from tests.servers.sandbox import Sandbox, wait_until

#: Whose mail every server takes, for any local part that it can bear.
DOMAIN = "customers.example"
#: Who sends. Local to every server, so that no bounce of theirs ever leaves the machine.
SENDER_DOMAIN = "mail.example.com"
#: Seconds from its start until a server greets.
START = 30.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A special case of one server."""

    name: str
    #: How the server is set up: what its `configure` gets as `variant`.
    variant: str
    #: What is right, in a few words for the table.
    right: str
    #: From the figures of the pass (`Pass`) to whether it was right.
    judge: Any
    messages: int = 300
    extras: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0


class MailServer:
    """Base of all servers. A subclass names itself, installs, configures and starts; `store/new` has its mail."""

    name: ClassVar[str]
    #: How it runs, for the table.
    how: ClassVar[str]
    #: Extras of the connection that this server needs.
    extras: ClassVar[Mapping[str, str]] = {}
    #: Login and password as they stand in the connection's URI.
    login: ClassVar[str] = ""
    #: Characters of a local part that this server reads as a route to elsewhere: it takes such mail and bounces it.
    routes: ClassVar[str] = ""
    scenarios: ClassVar[Sequence[Scenario]] = ()

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.sandbox: Sandbox
        self.port = 0
        self.version = ""
        #: Another server's store in place of its own: for one that stands behind that.
        self.into: Path | None = None

    # --- what a subclass says

    def install(self) -> None:
        """Get the program and set `version`. Raises NotRun."""
        raise NotImplementedError

    def prepare(self, variant: str) -> None:
        """Make `sandbox` with an empty store, set up to listen on `port`; `variant` is a scenario's or empty."""
        raise NotImplementedError

    def launch(self) -> None:
        """Start the prepared server."""
        raise NotImplementedError

    def halt(self) -> None:
        """Stop it as its service manager does. What it has taken stays."""
        self.sandbox.stop()

    def close(self) -> None:
        """Stop all that `prepare` and `launch` started."""
        if hasattr(self, "sandbox"):
            self.halt()

    # --- what the program calls

    def start(self, variant: str = "") -> None:
        """Start afresh, with an empty store. Raises NotRun when the server does not come up."""
        self.port = free_port()
        shutil.rmtree(self.run_folder, ignore_errors=True)
        self.run_folder.mkdir(parents=True)
        self.prepare(variant)
        for name in ("new", "tmp", "cur"):
            folder = self.store / name
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
        self.store.chmod(0o777)
        self.resume()

    def resume(self) -> None:
        """Start with what is there, on the same port."""
        self.launch()
        if not wait_until(self.greets, START):
            said = self.sandbox.log_end()
            self.halt()
            raise NotRun(f"it does not answer on its port within {START:.0f} s: {said}")

    @property
    def run_folder(self) -> Path:
        """Made anew at each start."""
        return self.folder / self.name

    @property
    def store(self) -> Path:
        """The Maildir, or folder like one, that the server delivers into."""
        return self.into or self.sandbox.shared / "store"

    def stored(self) -> list[bytes]:
        """Every message that the server has delivered, as it stands in its store."""
        return [path.read_bytes() for name in ("new", "cur") for path in (self.store / name).iterdir()]

    def stored_count(self) -> int:
        """How many those are."""
        return sum(1 for name in ("new", "cur") for _ in (self.store / name).iterdir())

    def uri(self, port: int, extras: Mapping[str, str]) -> str:
        """The connection, as AIRFLOW_CONN_SES_SMTP has it."""
        query = urlencode({**extras, **self.extras})
        return f"smtp://{self.login}127.0.0.1:{port}/?{query}"

    def greeting(self) -> tuple[str, list[str]]:
        """What it says on connecting, and the lines of its reply to EHLO."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=START) as client,
            client.makefile("rwb") as file,
        ):
            greeting = _reply(file)
            if not greeting[0].startswith("220"):
                return greeting[0], []
            file.write(b"EHLO client.example\r\n")
            file.flush()
            return greeting[0], [line[4:] for line in _reply(file)]

    def greets(self) -> bool:
        """Whether it answers on its port. Raises NotRun when it has ended."""
        if self.sandbox.ended:
            raise NotRun(f"it ended at once: {self.sandbox.log_end()}")
        try:
            return bool(self.greeting()[0])
        except OSError:
            return False


def _reply(file: Any) -> list[str]:
    lines = []
    while line := file.readline().decode("utf-8", "replace").rstrip("\r\n"):
        lines.append(line)
        if line[3:4] != "-":
            break
    return lines or [""]


def free_port() -> int:
    """A TCP port of loopback that nobody uses now, below those that the kernel gives to clients."""
    for _ in range(1000):
        port = 10_000 + uuid.uuid4().int % 20_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NotRun("no free port on loopback")
