"""The certificate with which the listener for bounces offers STARTTLS (RFC 3207), where one is set."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from ses_ops.errors import InvalidInput

#: The settings: the PEM file of the certificate and what leads to its authority, and that of its key.
CERTIFICATE, KEY = "SES_BOUNCE_TLS_CERTIFICATE", "SES_BOUNCE_TLS_KEY"
_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class ServedCertificate:
    """A certificate and its key, which are read again when their files were renewed."""

    chain: Path
    key: Path
    _context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), init=False)
    _read_at: tuple[int, int] = field(default=(0, 0), init=False)

    @classmethod
    def of_settings(cls) -> ServedCertificate | None:
        """The one that is set; None for none. Raises InvalidInput for files that cannot be right."""
        chain, key = (os.environ.get(name, "").strip() for name in (CERTIFICATE, KEY))
        if not chain and key:
            raise InvalidInput("tls_key_without_certificate", where=KEY, setting=CERTIFICATE)
        if not chain:
            return None
        made = cls(chain=Path(chain), key=Path(key or chain))
        try:
            made._read()
        except (OSError, ValueError) as cause:  # an SSLError is an OSError
            raise InvalidInput("tls_certificate_not_read", where=CERTIFICATE, cause=_words(cause)) from cause
        return made

    def context(self) -> ssl.SSLContext:
        """The context for a new connection. While renewed files cannot be read, what was read before goes on."""
        try:
            if self._times() != self._read_at:
                self._read()
        except (OSError, ValueError) as cause:
            _log.warning("the renewed certificate cannot be read, the former is used: %s", _words(cause))
        return self._context

    def _times(self) -> tuple[int, int]:
        return self.chain.stat().st_mtime_ns, self.key.stat().st_mtime_ns

    def _read(self) -> None:
        times = self._times()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A key with a passphrase would ask for it on the terminal.
        context.load_cert_chain(self.chain, self.key, password=lambda: "")
        self._context, self._read_at = context, times


def _words(cause: Exception) -> str:
    return str(getattr(cause, "strerror", None) or getattr(cause, "reason", None) or cause)[:200]
