"""Debian's HAProxy with deploy/haproxy.cfg."""

from __future__ import annotations

from tests.proxy.front import Front

#: What only root can do, and what goes to the machine's own log.
OF_THE_MACHINE = """\
    log /dev/log local0
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
"""


class HAProxy(Front):
    """A running HAProxy, whose log is what it prints."""

    program = "haproxy"
    file = "haproxy.cfg"

    def own_changes(self) -> dict[str, str]:
        """Ports and folders."""
        return {
            OF_THE_MACHINE: "    log stdout format raw local0\n",
            "bind :443 ": f"bind {self.address}:{self.port} ",
            "bind :80\n": f"bind {self.address}:{self.plain_port}\n",
            "/etc/haproxy/certificates/": f"{self.folder}/certificates/",
        }

    def taken_off(self, prefix: str) -> dict[str, str]:
        """`replace-path`, in the backend: the rules before it see the prefix."""
        return {
            "alpn h2,http/1.1": "alpn http/1.1",
            "location /mail/ ": f"location {prefix}/ ",
            "{ path /mail }": f"{{ path {prefix} }}",
            "beg /mail/": f"beg {prefix}/",
            "(/mail)+/execution/": f"({prefix})+/execution/",
            "backend ses_console\n": f"backend ses_console\n    http-request replace-path {prefix}/(.*) /\\1\n",
        }

    def prepare(self) -> list[str]:
        """The certificates with their keys."""
        certificates = self.folder / "certificates"
        certificates.mkdir(exist_ok=True)
        for key in self.folder.glob("*.key"):
            both = key.with_suffix(".pem").read_bytes() + key.read_bytes()
            (certificates / f"{key.stem}.pem").write_bytes(both)
        (self.folder / "haproxy.cfg").write_text(self.configuration())
        return [*self.command(), "-c"]

    def command(self) -> list[str]:
        """In the foreground, one process."""
        return [self.executable(), "-db", "-f", str(self.folder / "haproxy.cfg")]
