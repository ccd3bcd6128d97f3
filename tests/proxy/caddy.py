"""Debian's Caddy with deploy/Caddyfile."""

from __future__ import annotations

from tests.proxy.front import Front


class Caddy(Front):
    """A running Caddy."""

    program = "caddy"
    file = "Caddyfile"

    def own_changes(self) -> dict[str, str]:
        """Ports and folders; nobody is to change it while it runs."""
        own = f"admin off\n\tdefault_bind {self.address}\n\thttps_port {self.port}\n\thttp_port {self.plain_port}"
        return {
            "\tauto_https off\n": f"\tauto_https off\n\t{own}\n",
            "/etc/ssl/": f"{self.folder}/",
            "/var/log/caddy/": f"{self.folder}/",
        }

    def taken_off(self, prefix: str) -> dict[str, str]:
        """`handle_path`."""
        return {
            "protocols h1 h2\n": "protocols h1\n",
            "redir /mail /mail/ ": f"redir {prefix} {prefix}/ ",
            "(/mail)+/execution/": f"({prefix})+/execution/",
            "handle /mail/*": f"handle_path {prefix}/*",
            "path /mail/ses/*": "path /ses/*",
        }

    def prepare(self) -> list[str]:
        """The file alone."""
        (self.folder / "Caddyfile").write_text(self.configuration())
        return [self.executable(), "validate", *self._file()]

    def command(self) -> list[str]:
        """In the foreground."""
        return [self.executable(), "run", *self._file()]

    def _file(self) -> list[str]:
        return ["--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]
