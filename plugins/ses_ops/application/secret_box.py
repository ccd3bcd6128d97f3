"""Encryption at rest with Airflow's Fernet key, without Airflow.

Airflow encrypts its connections and Variables with the setting `[core] fernet_key`. What ses-ops keeps of the kind
(secrets of API keys, a copy of the mail server's connection) is encrypted with the same key: one secret to guard.
Several keys, separated by commas, are read as Airflow reads them: the first encrypts, all decrypt.
"""

from __future__ import annotations

import sys
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ses_ops import airflow_configuration
from ses_ops.airflow_places import airflow_setting
from ses_ops.errors import NotSetUp, SesError

#: The environment variable of the setting.
VARIABLE = "AIRFLOW__CORE__FERNET_KEY"


class SecretBox:
    """Encrypts and decrypts secrets that stand in PostgreSQL."""

    def __init__(self, keys: str) -> None:
        """`keys`: one Fernet key, or several with commas. Raises NotSetUp for none, and for what is no key."""
        self._fernet = _fernet(keys)

    @classmethod
    def of_airflow(cls) -> SecretBox:
        """The box of Airflow's key. Raises NotSetUp when Airflow has none that can be found."""
        return cls(fernet_keys())

    def close(self, secret: bytes) -> bytes:
        """A secret, encrypted."""
        return self._fernet.encrypt(secret)

    def open(self, box: bytes) -> bytes:
        """The secret of a box. Raises SesError when it was closed with a key that is not among these."""
        try:
            return self._fernet.decrypt(bytes(box))
        except InvalidToken:
            raise SesError("fernet_key_changed", variable=VARIABLE) from None


def fernet_keys() -> str:
    """Airflow's setting, from a running Airflow, the environment or airflow.cfg. Raises NotSetUp."""
    loaded = getattr(sys.modules.get("airflow.configuration"), "conf", None) is not None
    found = airflow_setting("core", "fernet_key") if loaded else airflow_configuration.setting("core", "fernet_key")
    if not found:
        raise NotSetUp("no_fernet_key", variable=VARIABLE)
    return found


@lru_cache(maxsize=4)
def _fernet(keys: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(one.strip().encode()) for one in keys.split(",") if one.strip()])
    except ValueError:
        raise NotSetUp("fernet_key_not_usable", variable=VARIABLE) from None
