"""Postfix (Debian), with one Maildir for everybody."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN, Scenario
from tests.servers.passes import Pass

_MAIN = f"""
compatibility_level = 3.6
myhostname = postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /dev/stdout
virtual_mailbox_domains = {DOMAIN}, {SENDER_DOMAIN}
virtual_mailbox_base = /
virtual_mailbox_maps = static:srv/run/store/
virtual_mailbox_limit = 0
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
smtpd_relay_restrictions = permit_auth_destination, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtputf8_enable = yes
smtpd_tls_security_level = none
notify_classes =
"""
_EVERYBODY = f"/@{re.escape(DOMAIN)}$/ srv/run/store/\n"
_VARIANTS: Mapping[str, str] = {
    "no-such-user": "virtual_mailbox_maps = regexp:/etc/postfix/nobody\n",
    "unlisted-sender": "virtual_mailbox_maps = regexp:/etc/postfix/everybody\nsmtpd_reject_unlisted_sender = yes\n",
    "helo": "smtpd_helo_required = yes\nsmtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n",
    # The words of reject_unknown_sender_domain, whatever the machine's DNS says.
    "sender-domain": "smtpd_sender_restrictions = check_sender_access static:{450 4.1.8 Domain not found}\n",
    "greeting-554": "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject\n",
}


def stops(got: Pass) -> bool:
    """Nothing is lost to a server that takes nobody's mail: all of it waits, nobody is suppressed, and it ends soon."""
    return got.left == got.messages and got.suppressed == 0 and got.seconds < 45


_STOPS = "stops; all wait, none failed, none suppressed"


class Postfix(DebianServer):
    """The server that most of the internet's mail meets."""

    name = "postfix"
    how = "root, user postfix, own layer"
    packages = ("postfix",)
    answers = "postfix postfix/main_mailer_type select No configuration\n"
    scenarios = (
        Scenario(name="550 5.1.1 to every recipient", variant="no-such-user", right=_STOPS, judge=stops),
        Scenario(name="550 5.1.0 Sender address rejected", variant="unlisted-sender", right=_STOPS, judge=stops),
        Scenario(
            name="504 5.5.2 Helo command rejected",
            variant="helo",
            right=_STOPS,
            judge=stops,
            extras={"local_hostname": "client"},
        ),
        Scenario(name="450 4.1.8 Sender address rejected", variant="sender-domain", right=_STOPS, judge=stops),
        Scenario(
            name="greeting 554",
            variant="greeting-554",
            messages=50,
            right="refused at once, with the words",
            judge=lambda got: stops(got) and got.seconds < 10 and "Access denied" in got.words,
        ),
    )

    def configure(self, variant: str) -> None:
        self.write("/etc/postfix/everybody", _EVERYBODY)
        self.write("/etc/postfix/nobody", "/^$/ x\n")
        self.write("/etc/postfix/main.cf", _MAIN + _VARIANTS.get(variant, ""))
        given = self.read("/usr/share/postfix/master.cf.dist")
        # The fifth column is "chroot": nothing needs one here.
        no_chroot = r"^(\S+\s+(?:inet|unix|unix-dgram)\s+\S+\s+\S+\s+)\S"
        lines = [re.sub(no_chroot, r"\1n", line) for line in given.splitlines()]
        services = [re.sub(r"^smtp(\s+inet)", rf"127.0.0.1:{self.port}\1", line) for line in lines]
        self.write("/etc/postfix/master.cf", "\n".join(services) + "\n")

    def launch(self) -> None:
        self.sandbox.start(["postfix", "start-fg"])
