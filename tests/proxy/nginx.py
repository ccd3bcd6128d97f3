"""Debian's nginx with deploy/nginx.conf."""

from __future__ import annotations

import os

from tests.proxy.front import Front

#: What Debian's /etc/nginx/nginx.conf has around conf.d/*.conf, in a folder of its own, which only its user may read.
MAIN = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/ses-ops.conf;
}}
"""


class Nginx(Front):
    """A running nginx."""

    program = "nginx"
    file = "nginx.conf"

    def own_changes(self) -> dict[str, str]:
        """Ports and folders."""
        return {
            "listen 443 ssl": f"listen {self.address}:{self.port} ssl",
            "listen 80;": f"listen {self.address}:{self.plain_port};",
            "/etc/ssl/": f"{self.folder}/",
            "/var/log/nginx/": f"{self.folder}/",
        }

    def taken_off(self, prefix: str) -> dict[str, str]:
        """`proxy_pass` with a path."""
        passed = "{{\n        proxy_pass http://ses_console{};"
        return {
            " ssl http2;": " ssl;",
            f"location /mail/ {passed.format('')}": f"location {prefix}/ {passed.format('/')}",
            f"location /mail/ses/ {passed.format('')}": f"location {prefix}/ses/ {passed.format('/ses/')}",
            "(/mail)+/execution/": f"({prefix})+/execution/",
            "location = /mail {\n        return 301 /mail/;": f"location = {prefix} {{\n        return 301 {prefix}/;",
        }

    def prepare(self) -> list[str]:
        """Debian's file around ours."""
        (self.folder / "ses-ops.conf").write_text(self.configuration())
        main = MAIN.format(folder=self.folder, user="user root;" if os.geteuid() == 0 else "")
        (self.folder / "nginx.conf").write_text(main)
        return [*self.command(), "-t"]

    def command(self) -> list[str]:
        """`-e`: also what it says before it has read its file."""
        own = self.folder / "nginx.conf"
        return [self.executable(), "-p", str(self.folder), "-c", str(own), "-e", str(self.folder / "error.log")]
