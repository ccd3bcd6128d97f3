"""Haraka (npm), with a queue plugin of eight lines that writes a file a message."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN, MailServer
from tests.servers.node_packages import installed
from tests.servers.sandbox import Sandbox, namespaces_allowed

#: As the plugin queue/test of Haraka, but in a folder of ours and whole at once.
_STORE = """
const fs = require('node:fs')
const store = process.env.STORE
exports.hook_queue = function (next, connection) {
    const file = fs.createWriteStream(`${store}/tmp/${connection.transaction.uuid}`)
    file.once('close', () => fs.rename(file.path, `${store}/new/${connection.transaction.uuid}`, () => next(OK)))
    connection.transaction.message_stream.pipe(file)
}
"""


class Haraka(MailServer):
    """Checks that a client keeps the order of the dialogue: since 3.0 it refuses what was sent before its 250."""

    name = "haraka"
    how = "node, unprivileged"

    def install(self) -> None:
        self._modules, self.version = installed(self.cache, "Haraka", "3.3.4")

    def prepare(self, variant: str) -> None:
        shared = self.run_folder / "shared"
        modules = shared / "modules"
        modules.mkdir(parents=True)
        self.sandbox = Sandbox(self.run_folder, shown=(self._modules, modules))
        config = shared / "config"
        # Its own defaults, all of them: it falls over a connection.ini that is not there.
        shutil.copytree(self._modules / "node_modules" / "Haraka" / "config", config)
        (shared / "plugins").mkdir()
        (shared / "plugins" / "store.js").write_text(_STORE)
        (config / "plugins").write_text("rcpt_to.in_host_list\nstore\n")
        (config / "host_list").write_text(f"{DOMAIN}\n{SENDER_DOMAIN}\n")
        (config / "smtp.ini").write_text(f"listen=127.0.0.1:{self.port}\nnodes=0\n")
        (config / "me").write_text("haraka.example\n")
        (config / "log.ini").write_text("[main]\nlevel=WARN\n")
        self.sandbox.environment = {"HARAKA": str(shared), "STORE": str(shared / "store")}

    def launch(self) -> None:
        self.sandbox.start(["node", str(self._program())], user="nobody")

    def _program(self) -> Path:
        modules = self.sandbox.shown[1] if namespaces_allowed() else self._modules  # type: ignore[index]
        return modules / "node_modules" / "Haraka" / "haraka.js"
