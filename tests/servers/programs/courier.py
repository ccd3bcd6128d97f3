"""Courier (Debian): what follows a final dot in the same write is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN

_ESMTPD = """
PORT={port}
ADDRESS=127.0.0.1
MAXDAEMONS=100
MAXPERC=100
MAXPERIP=100
BOFHCHECKDNS=0
BOFHSPFHELO=
TARPIT=0
"""
#: It has four daemons and no first process: this is one. It ends them as Debian's services do.
_PROGRAM = """#!/bin/sh
. /usr/lib/init/vars.sh 2>/dev/null
mkdir -p /run/courier/authdaemon
chown -R courier:courier /run/courier
end() { esmtpd stop; courier stop; authdaemond stop; exit 0; }
trap end TERM
authdaemond start
makealiases
makeacceptmailfor
makesmtpaccess
courier start
esmtpd start
while :; do sleep 1 & wait $!; done
"""


class Courier(DebianServer):
    """Whoever is nobody's account gets to `aliasdir`, whose default delivers to a program."""

    name = "courier"
    how = "root, user courier, own layer"
    packages = ("courier-mta",)
    # Debian's package makes it a certificate that nobody has signed, and it offers STARTTLS.
    extras: ClassVar[Mapping[str, str]] = {"tls": "none"}

    def configure(self, variant: str) -> None:
        self.append("/etc/courier/esmtpd", _ESMTPD.format(port=self.port))
        domains = f"{DOMAIN}\n{SENDER_DOMAIN}\n"
        for path in ("/etc/courier/locals", "/etc/courier/esmtpacceptmailfor.dir/ours"):
            self.write(path, domains)
        self.write("/etc/courier/me", "courier.example\n")
        self.write("/etc/courier/aliasdir/.courier-default", "|/srv/run/deliver\n")
        self.write("/srv/run/courier.sh", _PROGRAM, mode=0o755)

    def launch(self) -> None:
        self.sandbox.start(["/srv/run/courier.sh"])
