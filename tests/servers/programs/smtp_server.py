"""smtp-server (npm, of Nodemailer), with a handler that writes a file a message."""

from __future__ import annotations

from tests.servers.mail_server import MailServer, Scenario
from tests.servers.node_packages import installed
from tests.servers.sandbox import Sandbox, namespaces_allowed

_PROGRAM = """
const fs = require('node:fs')
const { SMTPServer } = require(process.env.MODULES + '/node_modules/smtp-server')
const [port, store, variant] = process.argv.slice(2)
let number = 0
const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: 20000000,
    // The server says 421 to who was silent so long; that a message of his is being stored does not count.
    socketTimeout: variant === 'slow-store' ? 2000 : 60000,
    closeTimeout: 3000,
    onRcptTo: (address, session, done) =>
        variant === 'no-such-user'
            ? done(Object.assign(new Error('5.1.1 No such user here'), { responseCode: 550 }))
            : done(),
    onData: (stream, session, done) => {
        const name = `${Date.now()}.${process.pid}.${++number}`
        const file = fs.createWriteStream(`${store}/tmp/${name}`)
        const stored = () => fs.rename(file.path, `${store}/new/${name}`, done)
        file.once('close', () => (variant === 'slow-store' ? setTimeout(stored, 4000) : stored()))
        stream.pipe(file)
    }
})
server.on('error', () => {})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
"""


class SmtpServer(MailServer):
    """What many test and application servers in Node.js are made of."""

    name = "smtp-server"
    how = "node, unprivileged"
    scenarios = (
        Scenario(
            name="421 of its own while it stores",
            variant="slow-store",
            messages=10,
            right="unknown, none doubled",
            judge=lambda got: got.doubled == 0 and got.unknown == 10,
        ),
        Scenario(
            name="550 5.1.1 to every recipient",
            variant="no-such-user",
            right="stops; none failed, none suppressed",
            judge=lambda got: got.failed == 0 and got.suppressed == 0,
        ),
    )

    def install(self) -> None:
        self._modules, self.version = installed(self.cache, "smtp-server", "3.13.8")

    def prepare(self, variant: str) -> None:
        shared = self.run_folder / "shared"
        modules = shared / "modules"
        modules.mkdir(parents=True)
        self.sandbox = Sandbox(self.run_folder, shown=(self._modules, modules))
        (shared / "server.js").write_text(_PROGRAM)
        self.sandbox.environment = {"MODULES": str(modules if namespaces_allowed() else self._modules)}
        self._variant = variant

    def launch(self) -> None:
        program = str(self.sandbox.shared / "server.js")
        self.sandbox.start(["node", program, str(self.port), str(self.store), self._variant], user="nobody")
