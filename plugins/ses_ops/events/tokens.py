"""The tokens in links, bounce addresses and providers' metadata that lead an event back to its message.

A token is 56 hexadecimal digits, so it stands unchanged in a URL, in quoted-printable text, and in a local part (RFC
5321 4.5.3.1.1: 64 octets, and servers that change the case). It holds the key of a message, enciphered, and a MAC of
96 bits over it (synthetic initialisation vector, RFC 5297: the MAC is the key stream's nonce, so the same message has
the same token at every attempt). Each purpose has keys of its own, so an unsubscribe token is worth nothing as a bounce
address. A token is checked without the database and never expires; `Secrets` holds all secrets that ever made one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from zlib import crc32

from ses_ops.domain.message_event import MessageKey

#: Occurrence, number in it, check of the address, and one byte that a purpose may use (the language of a page).
_KEY = Struct(">QIIB")
_SIZE = _KEY.size - 1  # the first byte of the occurrence is always 0 and left out
_MAC = 12
#: Octets of a secret.
SECRET_SIZE = 32
#: Characters of a token.
LENGTH = 2 * (_MAC + _SIZE)


class Purpose(StrEnum):
    """What a token is for."""

    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    #: In the metadata of a message that a provider hands back with its events.
    EVENT = "event"


def address_check(address_key: str) -> int:
    """A check of 32 bits that an address is the one the token was made for; no protection of its own."""
    return crc32(address_key.encode())


class TokenMaker:
    """Makes the tokens of one purpose."""

    def __init__(self, secret: bytes, purpose: Purpose) -> None:
        if len(secret) < SECRET_SIZE:
            raise ValueError(f"a secret has {SECRET_SIZE} octets or more")
        self._mac = blake2b(digest_size=_MAC, key=secret[:64], person=f"ses:{purpose}"[:16].encode())
        self._stream = blake2b(digest_size=_SIZE, key=secret[:64], person=f"ses+{purpose}"[:16].encode())

    def make(self, occurrence_id: int, seq: int, check: int, extra: int = 0) -> str:
        """The token of a message; `check` is `address_check`, `extra` 0 to 255."""
        return self._sealed(_KEY.pack(occurrence_id, seq, check, extra)[1:])

    def _sealed(self, plain: bytes) -> str:
        mac = self._mac.copy()
        mac.update(plain)
        tag = mac.digest()
        return (tag + self._xored(tag, plain)).hex()

    def _xored(self, tag: bytes, octets: bytes) -> bytes:
        stream = self._stream.copy()
        stream.update(tag)
        key = int.from_bytes(stream.digest(), "big")
        return (key ^ int.from_bytes(octets, "big")).to_bytes(_SIZE, "big")

    def opened(self, sealed: bytes) -> bytes | None:
        """What a token holds; None for one that this maker did not make."""
        tag = sealed[:_MAC]
        plain = self._xored(tag, sealed[_MAC:])
        mac = self._mac.copy()
        mac.update(plain)
        return plain if compare_digest(mac.digest(), tag) else None


class TokenReader:
    """Reads the tokens of one purpose, made with any of the secrets; it needs no database."""

    def __init__(self, secrets: Sequence[bytes], purpose: Purpose) -> None:
        self._makers = [TokenMaker(secret, purpose) for secret in secrets]

    def read(self, token: str) -> tuple[MessageKey, int] | None:
        """The key of the message and the extra byte; None for anything but a token of this installation and purpose."""
        if len(token) != LENGTH or not token.isascii():
            return None
        try:
            sealed = bytes.fromhex(token)
        except ValueError:
            return None
        if len(sealed) != LENGTH // 2:
            return None  # fromhex skips spaces
        for maker in self._makers:
            if (plain := maker.opened(sealed)) is not None:
                occurrence_id, seq, check, extra = _KEY.unpack(b"\0" + plain)
                return MessageKey(occurrence_id=occurrence_id, seq=seq, address_check=check), extra
        return None
