"""Dovecot's submission service (Debian), which passes all on to a relay: aiosmtpd here, whose store is the judge."""

from __future__ import annotations

import shutil

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import free_port
from tests.servers.programs.aiosmtpd import Aiosmtpd
from tests.servers.sandbox import wait_until

_CONFIG = """
protocols = submission
hostname = dovecot.example
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
log_path = /dev/stderr
mail_location = maildir:/srv/run/mail
mail_max_userip_connections = 100
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/srv/run/home
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
service submission-login {{
  inet_listener submission {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


class Dovecot(DebianServer):
    """A proxy for submission, so a client logs in."""

    name = "dovecot"
    how = "root, users dovenull and nobody, own layer; aiosmtpd behind it"
    packages = ("dovecot-submissiond",)
    login = "someone:secret@"

    def install(self) -> None:
        super().install()
        self._relay = Aiosmtpd(self.folder / "relay", self.cache)
        self._relay.install()

    def configure(self, variant: str) -> None:
        self._relay.port = free_port()
        shutil.rmtree(self._relay.run_folder, ignore_errors=True)
        self._relay.run_folder.mkdir(parents=True)
        self._relay.prepare("")
        self._relay.into = self.store
        for folder in (self.store / "new", self.store / "tmp", self.store / "cur", self.sandbox.shared / "home"):
            folder.mkdir(parents=True)
            folder.chmod(0o777)
        self._relay.launch()
        wait_until(self._relay.greets, 10)
        self.write("/etc/dovecot/dovecot.conf", _CONFIG.format(port=self.port, relay=self._relay.port))

    def launch(self) -> None:
        self.sandbox.start(["dovecot", "-F"])

    def close(self) -> None:
        super().close()
        if hasattr(self._relay, "sandbox"):
            self._relay.close()
