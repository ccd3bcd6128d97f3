"""chasquid (Debian): what follows a final dot in the same write is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tests.servers.certificate import make_certificate
from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN, free_port

_CONFIG = """
hostname: "chasquid.example"
smtp_address: "127.0.0.1:{port}"
submission_address: "127.0.0.1:{other}"
data_dir: "/srv/run/data"
mail_log_path: "<stderr>"
"""


class Chasquid(DebianServer):
    """Delivers to a program, by an alias that catches all."""

    name = "chasquid"
    how = "user chasquid, own layer"
    packages = ("chasquid",)
    # Its certificate is of nobody's making, and it does not start without one.
    extras: ClassVar[Mapping[str, str]] = {"tls": "none"}

    def configure(self, variant: str) -> None:
        self.write("/etc/chasquid/chasquid.conf", _CONFIG.format(port=self.port, other=free_port()))
        # Debian's own calls spam filters.
        self.write("/etc/chasquid/hooks/post-data", "#!/bin/sh\n", mode=0o755)
        for domain in (DOMAIN, SENDER_DOMAIN):
            self.write(f"/etc/chasquid/domains/{domain}/aliases", "*: | /srv/run/deliver\n")
        certificates = self.sandbox.upper / "etc/chasquid/certs/chasquid.example"
        certificates.mkdir(parents=True)
        make_certificate(certificates / "fullchain.pem", certificates / "privkey.pem", "chasquid.example")
        data = self.sandbox.shared / "data"
        data.mkdir()
        data.chmod(0o777)

    def launch(self) -> None:
        self.sandbox.start(["chasquid", "-config_dir=/etc/chasquid"], user="chasquid")
