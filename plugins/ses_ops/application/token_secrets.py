"""The secrets of the tokens for a listener, which has to check tokens while PostgreSQL is unavailable.

They are read from the database at the start and now and then, and a copy that only the listener's user can read (0600)
lies in the folder of the spool, for a listener that starts while PostgreSQL is unavailable.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from ses_ops.domain.message_event import MessageKey
from ses_ops.errors import NotSetUp, SesError
from ses_ops.events.link_tokens import LinkReader
from ses_ops.events.private_file import keep_privately
from ses_ops.events.tokens import Purpose, TokenReader
from ses_ops.storage.connection import StatementFailed, connected, one_line, transaction
from ses_ops.storage.events.token_secrets import token_secrets

#: Name of the copy in the folder of the spool.
COPY = "token-secrets.json"
#: Seconds between two reads of the secrets; while there are none, or after a token of an unknown secret, at least.
REFRESHED_EVERY, REFRESHED_AT_MOST_EVERY = 60.0, 1.0
#: Reads at once because a request brought an unknown token, and how many more a second: strangers bring such tokens.
_AT_ONCE, _A_SECOND = 10, 1.0
_log = logging.getLogger(__name__)


class TokenSecrets:
    """Reads tokens of any purpose. Safe for several threads."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._copy = folder / COPY
        self._secrets: Sequence[bytes] = ()
        self._readers: dict[Purpose, TokenReader] = {}
        self._links = LinkReader(())
        self._ends = Event()
        self._asked = Event()
        self._lock = Lock()
        self._reads = Lock()
        self._left, self._counted_at = float(_AT_ONCE), time.monotonic()
        self._version = 0

    def start(self) -> None:
        """Read the secrets, and go on reading them in a thread. Raises OSError if the folder cannot be made."""
        self._copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._refreshed():
            self._use_copy()
        self._thread = Thread(target=self._refresh_for_ever, name="refresh the secrets of tokens", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ends.set()
        self._asked.set()
        self._thread.join(2)

    @property
    def known(self) -> bool:
        """Whether tokens can be checked at all."""
        return bool(self._readers)

    def read(self, token: str, purpose: Purpose) -> tuple[MessageKey, int] | None:
        """As `TokenReader.read`. Raises NotSetUp while there are no secrets."""
        readers = self._readers
        if not readers:
            self._asked.set()
            raise NotSetUp("no_token_secrets")
        found = readers[purpose].read(token)
        if found is None:
            self._asked.set()  # it may be of a secret that is newer than the last refresh
        return found

    def read_link(self, text: str) -> tuple[str, int] | None:
        """As `LinkReader.read`: target and place of a tracked link. Raises NotSetUp while there are no secrets."""
        if not self._readers:
            self._asked.set()
            raise NotSetUp("no_token_secrets")
        return self._links.read(text)

    @property
    def version(self) -> int:
        """A number that changes with the secrets."""
        return self._version

    def newer_than(self, version: int) -> bool:
        """Whether there are other secrets than those of a version, which are read anew for that; blocks.

        For a token that is not known: its secret may have been made a moment ago. Where too many ask, what is there
        counts.
        """
        if self._version == version and self._may_read():
            with self._lock:
                if self._version == version:
                    self._refreshed()
        return self._version != version

    def _may_read(self) -> bool:
        with self._reads:
            now = time.monotonic()
            self._left = min(_AT_ONCE, self._left + (now - self._counted_at) * _A_SECOND)
            self._counted_at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def _refresh_for_ever(self) -> None:
        while not self._ends.is_set():
            self._asked.wait(REFRESHED_EVERY)
            self._asked.clear()
            if not self._ends.is_set():
                with self._lock:
                    self._refreshed()
                self._ends.wait(REFRESHED_AT_MOST_EVERY)

    def _refreshed(self) -> bool:
        try:
            with connected(self._dsn, application="ses listener secrets", connect_timeout=3) as conn, transaction(conn):
                secrets = token_secrets(conn)
        except (SesError, StatementFailed) as cause:
            _log.info("the secrets of tokens cannot be read now: %s", one_line(cause))
            return False
        if secrets and list(secrets) != list(self._secrets):
            self._use(secrets)
            with suppress(OSError):  # a full disk: the next start needs the database
                keep_privately(self._copy, json.dumps([secret.hex() for secret in secrets]).encode())
        return bool(secrets)

    def _use_copy(self) -> None:
        try:
            self._use([bytes.fromhex(secret) for secret in json.loads(self._copy.read_bytes())])
        except (OSError, ValueError, TypeError) as cause:
            _log.warning(
                "there are no secrets of tokens yet: PostgreSQL is unavailable, and there is no copy (%s)", cause
            )

    def _use(self, secrets: Sequence[bytes]) -> None:
        self._links = LinkReader(secrets)
        self._readers = {purpose: TokenReader(secrets, purpose) for purpose in Purpose}
        self._secrets = list(secrets)
        self._version += 1
