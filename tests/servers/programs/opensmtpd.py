"""OpenSMTPD (Debian), which takes a hundred messages a session and no more, by default."""

from __future__ import annotations

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN, Scenario
from tests.servers.programs.postfix import stops

#: The address "@" is everybody at the domain. The user must exist: delivery becomes him.
_CONFIG = """
listen on 127.0.0.1 port {port} hostname opensmtpd.example
action "store" mda "/srv/run/deliver" virtual {{ "@" = "store" }}
match from any for domain {{ {domains} }} action "store"
"""


class OpenSmtpd(DebianServer):
    """OpenBSD's server."""

    name = "opensmtpd"
    how = "root, users opensmtpd and store, own layer"
    packages = ("opensmtpd",)
    answers = "opensmtpd opensmtpd/mailname string opensmtpd.example\n"
    scenarios = (
        Scenario(
            name="limit max-mails (100 a session)",
            variant="",
            messages=3_000,
            right="3 000 sent in one go",
            judge=lambda got: got.sent == 3_000 and got.missing == got.doubled == 0 and not got.endings,
            seconds=120,
        ),
        Scenario(
            name="550 Invalid recipient (relaying)",
            variant="relaying",
            right="stops; all wait, none failed, none suppressed",
            judge=stops,
        ),
    )

    def configure(self, variant: str) -> None:
        domains = '"other.example"' if variant == "relaying" else f'"{DOMAIN}", "{SENDER_DOMAIN}"'
        self.write("/etc/smtpd.conf", _CONFIG.format(port=self.port, domains=domains))
        self.append("/etc/passwd", "store:x:1999:1999::/srv/run:/bin/sh\n")
        self.append("/etc/group", "store:x:1999:\n")

    def launch(self) -> None:
        self.sandbox.start(["smtpd", "-d"])
