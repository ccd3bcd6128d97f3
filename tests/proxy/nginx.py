"""Debian's nginx with deploy/nginx.conf, as it stands there but for ports, certificates and where logs go."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme

from tests.servers.mail_server import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALL = REPOSITORY / "scripts" / "install-debian-packages.sh"
CONSOLE, PUBLIC, API = "intern.example", "mail.example.com", "api.mail.example.com"
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


def nginx_program() -> str:
    """Where nginx is; Debian's package is installed if it is missing, without its service."""
    if found := _found():
        return found
    subprocess.run([str(INSTALL), "nginx"], check=True)
    found = _found()
    assert found, "Debian's package nginx was installed and there is no nginx"
    return found


def _found() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass
class Nginx:
    """A running nginx. `folder` is its own: configuration, certificates and logs."""

    folder: Path
    #: Ports of this machine: Airflow's API server, the services `public` and `api`.
    console: int
    public: int = 9
    api: int = 9
    #: More texts of the file to put others in place of.
    changes: Mapping[str, str] = field(default_factory=dict)
    #: Where the file listens for https and for http.
    port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        """The authority of its certificates."""
        return self.folder / "ca.pem"

    def configuration(self) -> str:
        """deploy/nginx.conf for this folder and these ports."""
        text = (REPOSITORY / "deploy" / "nginx.conf").read_text()
        for old, new in {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "127.0.0.1:8080": f"127.0.0.1:{self.console}",
            "127.0.0.1:8070": f"127.0.0.1:{self.public}",
            "127.0.0.1:8060": f"127.0.0.1:{self.api}",
            "/etc/ssl/": f"{self.folder}/",
            "/var/log/nginx/": f"{self.folder}/",
            **self.changes,
        }.items():
            assert old in text, f"deploy/nginx.conf has no {old!r} any more"
            text = text.replace(old, new)
        return text

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        for name in (CONSOLE, PUBLIC, API):
            issued = authority.issue_cert(name)
            (self.folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
            issued.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
        (self.folder / "ses-ops.conf").write_text(self.configuration())
        main = MAIN.format(folder=self.folder, user="user root;" if os.geteuid() == 0 else "")
        (self.folder / "nginx.conf").write_text(main)
        command = [nginx_program(), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        command += ["-e", str(self.folder / "error.log")]
        test = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert test.returncode == 0, test.stderr
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self.logs()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, its worker with it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def logs(self) -> str:
        """Everything that it has written into any log."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))

    def client(self, name: str = CONSOLE, *, port: bool = False, **more: object) -> ProxiedClient:
        """A client outside; `port` for an address that has one."""
        return ProxiedClient(self, name, f"{name}:{self.port}" if port else name, **more)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.plain_port}/", trust_env=False, timeout=30).status_code > 0
        except httpx.HTTPError:
            return False


class ProxiedClient(httpx.Client):
    """Asks for paths of one name, whose address is nginx's, and trusts nobody but its authority."""

    def __init__(self, nginx: Nginx, name: str, host: str, **more: object) -> None:
        self.origin, self._name = f"https://{host}", name
        context = ssl.create_default_context(cafile=str(nginx.ca_file))
        headers = {"Host": host, **(more.pop("headers", None) or {})}
        super().__init__(
            base_url=f"https://127.0.0.1:{nginx.port}",
            verify=context,
            trust_env=False,
            timeout=60,
            headers=headers,
            **more,
        )

    def request(self, *arguments: object, **more: object) -> httpx.Response:
        more["extensions"] = {"sni_hostname": self._name}
        return super().request(*arguments, **more)
