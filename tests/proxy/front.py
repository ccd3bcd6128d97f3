"""A reverse proxy of Debian with its file of deploy/, unchanged but for ports, certificates and where logs go."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import httpx
import trustme

from tests.servers.mail_server import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALL = REPOSITORY / "scripts" / "install-debian-packages.sh"
CONSOLE, PUBLIC, API = "intern.example", "mail.example.com", "api.mail.example.com"


@dataclass
class Front(ABC):
    """A running proxy. `folder` is its own: configuration, certificates and logs."""

    #: The program, which is also the name of Debian's package.
    program: ClassVar[str]
    #: In deploy/.
    file: ClassVar[str]

    folder: Path
    #: Ports of this machine: Airflow's API server, the services `public` and `api`.
    console: int
    public: int = 9
    api: int = 9
    #: More texts of the file to put others in place of.
    changes: Mapping[str, str] = field(default_factory=dict)
    #: Where the file listens for https and for http: an address of this machine's own network 127.0.0.0/8, and ports.
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        """The authority of its certificates."""
        return self.folder / "ca.pem"

    def configuration(self) -> str:
        """The file for this folder and these ports."""
        text = (REPOSITORY / "deploy" / self.file).read_text()
        services = {
            "127.0.0.1:8080": f"127.0.0.1:{self.console}",
            "127.0.0.1:8070": f"127.0.0.1:{self.public}",
            "127.0.0.1:8060": f"127.0.0.1:{self.api}",
        }
        for old, new in {**services, **self.own_changes(), **self.changes}.items():
            assert old in text, f"deploy/{self.file} has no {old!r} any more"
            text = text.replace(old, new)
        return text

    @abstractmethod
    def own_changes(self) -> dict[str, str]:
        """What has to be another in this file for this folder and these ports."""

    @abstractmethod
    def taken_off(self, prefix: str) -> dict[str, str]:
        """Changes with which it takes a prefix off, other than /mail, and offers HTTP/1.1 only."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Write the configuration; the command that checks it without starting anything."""

    @abstractmethod
    def command(self) -> list[str]:
        """What is started, and stays in the foreground."""

    def executable(self) -> str:
        """Where the program is; Debian's package is installed if it is missing, without its service."""
        if not (found := _found(self.program)):
            subprocess.run([str(INSTALL), self.program], check=True)
            found = _found(self.program)
        assert found, f"Debian's package {self.program} was installed and there is no such program"
        return found

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._issue_certificates()
        check = subprocess.run(self.prepare(), capture_output=True, text=True, check=False)
        assert check.returncode == 0, check.stdout + check.stderr
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                env={**os.environ, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
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
        """Everything that it has written into any log, or printed."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))

    def client(self, name: str = CONSOLE, *, port: bool = False, **more: object) -> ProxiedClient:
        """A client outside; `port` for an address that has one."""
        return ProxiedClient(self, name, f"{name}:{self.port}" if port else name, **more)

    def plain(self, name: str, path: str, method: str = "GET", **more: object) -> httpx.Response:
        """The answer to a request by http."""
        headers = {"Host": name, **(more.pop("headers", None) or {})}
        url = f"http://{self.address}:{self.plain_port}{path}"
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=60, **more)

    def _issue_certificates(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        for name in (CONSOLE, PUBLIC, API):
            issued = authority.issue_cert(name)
            (self.folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
            issued.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))

    def _answers(self) -> bool:
        try:
            return self.plain("nobody.example", "/").status_code > 0
        except httpx.HTTPError:
            return False


class ProxiedClient(httpx.Client):
    """Asks for paths of one name, whose address is the proxy's, and trusts nobody but its authority."""

    def __init__(self, front: Front, name: str, host: str, **more: object) -> None:
        self.origin, self._name = f"https://{host}", name
        context = ssl.create_default_context(cafile=str(front.ca_file))
        headers = {"Host": host, **(more.pop("headers", None) or {})}
        super().__init__(
            base_url=f"https://{front.address}:{front.port}",
            verify=context,
            trust_env=False,
            timeout=60,
            headers=headers,
            **more,
        )

    def request(self, *arguments: object, target: str | None = None, **more: object) -> httpx.Response:
        """As httpx has it; `target` goes out in place of the path, letter by letter."""
        more["extensions"] = {"sni_hostname": self._name, **({"target": target.encode()} if target else {})}
        return super().request(*arguments, **more)


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
