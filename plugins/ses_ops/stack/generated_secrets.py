"""Keys and passwords of the local stack, generated at the first start.

They are kept in SES_HOME/secrets, never in the repository.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.stack.places import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: The stack's own user of the web page.
WEB_USER = "admin"


@dataclass(frozen=True, kw_only=True)
class GeneratedSecrets:
    """The secrets by which components trust each other, and with which the person logs in."""

    web_password: str = field(repr=False)
    #: File of Airflow's SimpleAuthManager: JSON, user to password.
    web_passwords_file: Path
    #: The Fernet key that encrypts Airflow's connections and Variables at rest.
    fernet_key: str = field(repr=False)
    #: The secret that signs the tokens of the web page and of the workers.
    jwt_secret: str = field(repr=False)
    api_secret_key: str = field(repr=False)
    #: The password of PostgreSQL's role `ses`, used over TCP only.
    database_password: str = field(repr=False)


def load_or_generate(folder: Path, users: Sequence[str] = ()) -> GeneratedSecrets:
    """Read the secrets of this SES_HOME; generate those that are missing. `users` are further users of the web page.

    Every user gets a password here, because Airflow would make one for a user without, and print it into its log.
    """
    web_password = _kept(folder / "web_password", lambda: secrets.token_urlsafe(12))
    passwords_file = folder / "web_passwords.json"
    known = _passwords(passwords_file)
    further = {user: known.get(user) or secrets.token_urlsafe(12) for user in users}
    write_private(passwords_file, json.dumps({**known, **further, WEB_USER: web_password}) + "\n")
    return GeneratedSecrets(
        web_password=web_password,
        web_passwords_file=passwords_file,
        fernet_key=_kept(folder / "fernet_key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()),
        jwt_secret=_kept(folder / "jwt_secret", lambda: secrets.token_urlsafe(48)),
        api_secret_key=_kept(folder / "api_secret_key", lambda: secrets.token_urlsafe(48)),
        database_password=_kept(folder / "database_password", lambda: secrets.token_urlsafe(24)),
    )


def _passwords(file: Path) -> dict[str, str]:
    """The passwords by user in the file; none when the file is missing or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: word for name, word in found.items() if isinstance(word, str)} if isinstance(found, dict) else {}


def _kept(path: Path, make: Callable[[], str]) -> str:
    if path.exists() and (known := path.read_text(encoding="utf-8").strip()):
        return known
    made = make()
    write_private(path, made + "\n")
    return made
