"""Real mail servers in front: each takes mail, hands it to a server that refuses it, and returns its own report."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, free_port
from tests.servers.programs.exim import Exim
from tests.servers.programs.opensmtpd import OpenSmtpd
from tests.servers.programs.postfix import Postfix
from tests.servers.programs.sendmail import Sendmail

#: Where reports go.
BACK = "bounces.shop.example"


@dataclass
class NextServer:
    """A server that refuses `unknown@` and `full@` at RCPT, and `filter@` after the content."""

    taken: list[str] = field(default_factory=list)

    def __enter__(self) -> NextServer:
        self.port = free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, server_hostname="mx.customers.example", ready_timeout=60
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        await asyncio.sleep(0)
        if address.startswith("unknown@"):
            return "550 5.1.1 User unknown"
        if address.startswith("full@"):
            return "552 5.2.2 Mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if any(one.startswith("filter@") for one in envelope.rcpt_tos):
            return "550 5.7.1 User unknown, or your mail is not wanted"
        self.taken += envelope.rcpt_tos
        return "250 2.0.0 Ok: queued"


class _Front(DebianServer):
    #: The ports that mail goes on to.
    onward: int
    back: int


class FrontPostfix(_Front, Postfix):
    def configure(self, variant: str) -> None:
        super().configure(variant)
        self.write(
            "/etc/postfix/main.cf",
            "compatibility_level = 3.6\nmyhostname = postfix.example\nmydestination =\ninet_interfaces = 127.0.0.1\n"
            "inet_protocols = ipv4\nmaillog_file = /dev/stdout\nmynetworks = 127.0.0.0/8\n"
            "smtp_tls_security_level = none\ntransport_maps = inline:{"
            f" {BACK}=smtp:[127.0.0.1]:{self.back}, {DOMAIN}=smtp:[127.0.0.1]:{self.onward} }}\n",
        )


class FrontExim(_Front, Exim):
    def configure(self, variant: str) -> None:
        self.write(
            "/etc/exim4/exim4.conf",
            "primary_hostname = exim.example\nlocal_interfaces = 127.0.0.1\n"
            f"daemon_smtp_ports = {self.port}\nlog_file_path = /srv/run/exim-%slog\nhost_lookup =\n"
            "rfc1413_query_timeout = 0s\ntls_advertise_hosts =\n"
            "acl_smtp_rcpt = everything\nacl_smtp_data = everything\n"
            "begin acl\neverything:\n  accept\nbegin routers\n"
            + "".join(
                f"{name}:\n  driver = manualroute\n  domains = {domain}\n  transport = {name}\n  self = send\n"
                "  route_list = * 127.0.0.1\n"
                for name, domain in (("back", BACK), ("onward", DOMAIN))
            )
            + "begin transports\n"
            + "".join(
                f"{name}:\n  driver = smtp\n  port = {port}\n  allow_localhost\n  hosts_try_fastopen =\n"
                for name, port in (("back", self.back), ("onward", self.onward))
            )
            + "begin retry\n* * F,2h,15s\n",
        )


class FrontOpenSmtpd(_Front, OpenSmtpd):
    def configure(self, variant: str) -> None:
        self.write(
            "/etc/smtpd.conf",
            f"listen on 127.0.0.1 port {self.port} hostname opensmtpd.example\n"
            f'action "back" relay host "smtp://127.0.0.1:{self.back}"\n'
            f'action "onward" relay host "smtp://127.0.0.1:{self.onward}"\n'
            f'match from any for domain "{BACK}" action "back"\nmatch from any for domain "{DOMAIN}" action "onward"\n',
        )


class FrontSendmail(_Front, Sendmail):
    def configure(self, variant: str) -> None:
        super().configure(variant)
        source = (self.sandbox.shared / "sendmail.mc").read_text()
        head, _, _ = source.partition("MAILER_DEFINITIONS")
        head = "".join(line for line in head.splitlines(keepends=True) if not line.startswith("LOCAL_DOMAIN"))
        head = head.replace("FEATURE(`nocanonify')dnl", "FEATURE(`nocanonify')dnl\nFEATURE(`promiscuous_relay')dnl")
        mailers, rules = "", ""
        for name, domain, port in (("back", BACK, self.back), ("onward", DOMAIN, self.onward)):
            mailers += (
                f"M{name}, P=[IPC], F=mDFMuX, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990, "
                f"T=DNS/RFC822/SMTP, A=TCP $h {port}\n"
            )
            for dot in (" .", ""):
                rules += f"R$* < @ {domain}{dot} > $*\t$#{name} $@ [127.0.0.1] $: $1 < @ {domain} . > $2\n"
        self.write("/srv/run/sendmail.mc", f"{head}MAILER_DEFINITIONS\n{mailers}LOCAL_RULE_0\n{rules}")
        self.sandbox.run(["sh", "-c", "m4 /srv/run/sendmail.mc > /etc/mail/sendmail.cf"])


FRONTS = {"postfix": FrontPostfix, "exim": FrontExim, "opensmtpd": FrontOpenSmtpd, "sendmail": FrontSendmail}
