"""Exim (Debian), with one Maildir for everybody."""

from __future__ import annotations

from tests.servers.debian_server import DebianServer
from tests.servers.mail_server import DOMAIN, SENDER_DOMAIN, Scenario
from tests.servers.programs.postfix import stops

_CONFIG = """
primary_hostname = exim.example
domainlist local_domains = {domains}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
log_file_path = /srv/run/exim-%slog
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtputf8_advertise_hosts = *
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = rcpt
acl_smtp_data = everything
begin acl
rcpt:
{first}
  accept domains = +local_domains
  deny message = relay not permitted
everything:
  accept
begin routers
everybody:
  driver = accept
  domains = {routed}
  transport = store
begin transports
store:
  driver = appendfile
  directory = /srv/run/store
  maildir_format
  user = nobody
  group = nogroup
begin retry
* * F,2h,15s
"""
_FIRST = {"sender-verify": "  require verify = sender", "prohibited": "  deny"}
_STOPS = "stops; all wait, none failed, none suppressed"


class Exim(DebianServer):
    """Debian's own default for years."""

    name = "exim4"
    how = "root, user Debian-exim, own layer"
    packages = ("exim4-daemon-light",)
    scenarios = (
        Scenario(name="550 Sender verify failed", variant="sender-verify", right=_STOPS, judge=stops),
        Scenario(name="550 Administrative prohibition", variant="prohibited", right=_STOPS, judge=stops),
    )

    def configure(self, variant: str) -> None:
        both = f"{DOMAIN} : {SENDER_DOMAIN}"
        routed = DOMAIN if variant == "sender-verify" else both
        first = _FIRST.get(variant, "")
        text = _CONFIG.format(domains=both, routed=routed, first=first, port=self.port)
        self.write("/etc/exim4/exim4.conf", text)

    def launch(self) -> None:
        self.sandbox.start(["exim4", "-bdf", "-q1m"])
