"""Sendmail (Debian), with a mailer of its own that writes a file a message."""

from __future__ import annotations

from socket import gethostname

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN

_SOURCE = """
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`debian')dnl
define(`QUEUE_DIR', `/var/spool/own-queue')dnl
define(`confDEAD_LETTER_DROP', `/dev/null')dnl
define(`confDOMAIN_NAME', `sendmail.example')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch-nodns')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupReadableKeyFile')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Port={port}, Addr=127.0.0.1')dnl
LOCAL_DOMAIN(`{domain} {sender_domain}')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
MAILER_DEFINITIONS
Mstore, P=/srv/run/deliver, F=lnsDFMu, L=0, M=0, T=DNS/RFC822/X-Unix, A=deliver $u
LOCAL_RULE_0
R$* < @ {domain} . > $*\t$#store $@ {domain} $: $1
R$* < @ {domain} > $*\t$#store $@ {domain} $: $1
R$* < @ {sender_domain} . > $*\t$#store $@ {sender_domain} $: $1
"""


class Sendmail(DebianServer):
    """The oldest of them."""

    name = "sendmail"
    how = "root, own layer"
    routes = "!%"
    packages = ("sendmail-bin", "sendmail")

    def configure(self, variant: str) -> None:
        # Else it waits a minute for its own name to become known.
        self.write("/etc/hosts", f"127.0.0.1 sendmail.example {gethostname()} localhost\n")
        source = _SOURCE.format(port=self.port, domain=DOMAIN, sender_domain=SENDER_DOMAIN)
        self.write("/srv/run/sendmail.mc", source)
        # Debian's queue belongs to a user that this configuration does not become: root's own file checks refuse it.
        queue = self.sandbox.upper / "var/spool/own-queue"
        queue.mkdir(parents=True)
        queue.chmod(0o700)
        self.sandbox.run(["sh", "-c", "m4 /srv/run/sendmail.mc > /etc/mail/sendmail.cf"])

    def launch(self) -> None:
        # Its control sockets and pid are in a folder that Debian's service makes.
        program = "mkdir -p /run/sendmail/mta && exec /usr/sbin/sendmail-mta -bD -q1m"
        self.sandbox.start(["sh", "-c", program])
