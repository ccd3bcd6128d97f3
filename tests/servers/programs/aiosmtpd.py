"""aiosmtpd (PyPI, in the project's own environment), with a handler that writes a file a message."""

from __future__ import annotations

import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.servers.mail_server import MailServer, Scenario
from tests.servers.not_run import NotRun
from tests.servers.sandbox import Sandbox, namespaces_allowed

_PROGRAM = """
import asyncio, os, signal, sys, uuid
from aiosmtpd.smtp import SMTP

port, store, variant = int(sys.argv[1]), *sys.argv[2:]


class Store:
    # (aiosmtpd's own Mailbox handler writes anew what came: bytes could not be compared.)
    async def handle_DATA(self, server, session, envelope):
        name = uuid.uuid4().hex
        with open(f"{store}/tmp/{name}", "wb") as file:
            file.write(envelope.content)
        os.rename(f"{store}/tmp/{name}", f"{store}/new/{name}")
        return "250 OK"


class Closed(SMTP):
    async def _handle_client(self):
        await self.push("554 5.7.1 server.example: Access denied")
        self.transport.close()


async def main():
    loop = asyncio.get_running_loop()
    kind = Closed if variant == "greeting-554" else SMTP
    make = lambda: kind(Store(), enable_SMTPUTF8=True, decode_data=False, hostname="aiosmtpd.example")
    server = await loop.create_server(make, "127.0.0.1", port)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


asyncio.run(main())
"""


class Aiosmtpd(MailServer):
    """Offers no PIPELINING."""

    name = "aiosmtpd"
    how = "python, unprivileged"
    scenarios = (
        Scenario(
            name="greeting 554",
            variant="greeting-554",
            messages=50,
            right="refused at once, with the words",
            judge=lambda got: got.failed == 0 and got.seconds < 10 and "Access denied" in got.words,
        ),
    )

    def install(self) -> None:
        found = find_spec("aiosmtpd")
        if found is None or found.origin is None:
            raise NotRun("aiosmtpd is not in the project's environment (make install-dev)")
        self._modules, self.version = Path(found.origin).parents[1], version("aiosmtpd")

    def prepare(self, variant: str) -> None:
        shared = self.run_folder / "shared"
        modules = shared / "modules"
        modules.mkdir(parents=True)
        self.sandbox = Sandbox(self.run_folder, shown=(self._modules, modules))
        (shared / "server.py").write_text(_PROGRAM)
        self.sandbox.environment = {"PYTHONPATH": str(modules if namespaces_allowed() else self._modules)}
        self._variant = variant

    def launch(self) -> None:
        # The environment's own python may stand in a folder that is closed to `nobody`.
        python = getattr(sys, "_base_executable", sys.executable)
        program = str(self.sandbox.shared / "server.py")
        self.sandbox.start([python, program, str(self.port), str(self.store), self._variant], user="nobody")
