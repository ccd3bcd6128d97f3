"""The mail servers, a file each. ALL is the order in which they run."""

from __future__ import annotations

from tests.servers.mail_server import MailServer
from tests.servers.programs.aiosmtpd import Aiosmtpd
from tests.servers.programs.chasquid import Chasquid
from tests.servers.programs.courier import Courier
from tests.servers.programs.dovecot import Dovecot
from tests.servers.programs.exim import Exim
from tests.servers.programs.haraka import Haraka
from tests.servers.programs.opensmtpd import OpenSmtpd
from tests.servers.programs.postfix import Postfix
from tests.servers.programs.sendmail import Sendmail
from tests.servers.programs.smtp_server import SmtpServer

ALL: tuple[type[MailServer], ...] = (
    Haraka,
    SmtpServer,
    Aiosmtpd,
    Chasquid,
    Dovecot,
    Postfix,
    Exim,
    OpenSmtpd,
    Sendmail,
    Courier,
)
