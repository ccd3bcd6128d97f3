"""Dovecot (Debian), a real IMAP server, in a layer of its own above this machine's files."""

from __future__ import annotations

import imaplib
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.stack_process import free_port
from tests.servers.cache import cache_folder
from tests.servers.debian_packages import installed
from tests.servers.sandbox import Sandbox

_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = /dev/stderr
mail_location = maildir:/srv/run/mail
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 1
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/srv/run/mail
}
service imap-login {
  inet_listener imap {
    port = %(port)s
  }
  inet_listener imaps {
    port = 0
  }
}
"""


@dataclass
class Dovecot:
    """One mailbox, `bounces` with the password `secret`. Raises NotRun where it cannot be had."""

    folder: Path
    #: More of its configuration.
    more: str = ""
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        layer, self.version = installed(cache_folder(), ("dovecot-imapd",), self.folder)
        self.sandbox = Sandbox(self.folder, layered=True)
        subprocess.run(["cp", "-a", "--reflink=auto", layer, self.sandbox.upper], check=True)
        (self.sandbox.shared / "mail").mkdir(mode=0o777)
        (self.sandbox.shared / "mail").chmod(0o777)
        configuration = self.sandbox.shared / "dovecot.conf"
        configuration.write_text(_CONFIGURATION % {"port": self.port} + self.more)

    def start(self) -> None:
        self.sandbox.start(["dovecot", "-F", "-c", "/srv/run/dovecot.conf"])
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(OSError, imaplib.IMAP4.error), self.client():
                return
            assert not self.sandbox.ended, self.sandbox.log_end()
            time.sleep(0.05)
        raise AssertionError(self.sandbox.log_end())

    def stop(self) -> None:
        self.sandbox.stop()

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        client.login("bounces", "secret")
        return client

    def add(self, *mails: bytes) -> None:
        """Put mails into the INBOX."""
        with self.client() as client:
            for mail in mails:
                assert client.append("INBOX", "", None, mail)[0] == "OK"  # type: ignore[arg-type]

    def count(self, folder: str) -> int:
        """The number of mails in a folder; 0 where there is none."""
        with self.client() as client:
            answer, (number, *_) = client.select(f'"{folder}"', readonly=True)
            return int(number or 0) if answer == "OK" else 0

    def renumber(self) -> None:
        """Give the INBOX another UIDVALIDITY, as a server does that lost its index."""
        self.stop()
        for file in (self.sandbox.shared / "mail").glob("dovecot*"):
            file.unlink()
        self.start()
