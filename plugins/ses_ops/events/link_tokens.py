"""The target of a tracked link, signed into its address.

A link is base64url (RFC 4648 5) without padding of 12 octets of MAC, one octet of the link's place in the mail, and the
target in UTF-8. It is the same for all recipients of a task, so it is made when the template is loaded; the recipient
is in the message's token, which stands before it in the address. It is checked without the database, and there is
nothing to look up: a target that this installation has not signed is none, so no redirect can be chosen by whoever
writes an address. Its key is derived for this purpose alone.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest

from ses_ops.events.tokens import SECRET_SIZE

#: Octets of a target. Longer ones are left as they are: browsers take addresses of 2 000 characters, and 1 500 octets
#: become 2 018 characters.
MAX_TARGET = 1_500
#: The largest place; all further links of a mail have this one.
MAX_PLACE = 255
_MAC = 12
#: Characters of the longest link.
MAX_LENGTH = -(-(_MAC + 1 + MAX_TARGET) * 4 // 3)
_CHARACTERS = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}").fullmatch
#: All that a browser may be led to: http or https and a host (RFC 3986 3.2; `?`, `#` and backslashes end one, too), and
#: nothing that could end a header.
_TARGET = re.compile(r"https?://[^\x00-\x20\x7f/?#\\][^\x00-\x1f\x7f]*", re.IGNORECASE).fullmatch


class LinkMaker:
    """Makes the links of an installation. Threads may share it."""

    def __init__(self, secret: bytes) -> None:
        self._key = _key(secret)

    def make(self, target: str, place: int) -> str:
        """The link to an http(s) target; places above MAX_PLACE are that one. Raises ValueError for other targets."""
        if not is_target(target) or place < 0:
            raise ValueError("no link leads to this target")
        told = bytes([min(place, MAX_PLACE)]) + target.encode()
        return urlsafe_b64encode(_mac(self._key, told) + told).rstrip(b"=").decode("ascii")


class LinkReader:
    """Reads links made with any of the secrets; it needs no database. Threads may share it."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._keys = [_key(secret) for secret in secrets]

    def read(self, text: str) -> tuple[str, int] | None:
        """The target, as it was byte for byte, and its place; None for anything but a link of this installation."""
        if not _CHARACTERS(text):
            return None
        try:
            octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            return None
        # The last character has bits that mean nothing (RFC 4648 3.5); an altered one is an altered link.
        if len(octets) < _MAC + 2 or urlsafe_b64encode(octets).rstrip(b"=") != text.encode("ascii"):
            return None
        mac, told = octets[:_MAC], octets[_MAC:]
        # All keys are tried, so that the time tells nothing of which one it was.
        matches = [compare_digest(_mac(key, told), mac) for key in self._keys]
        if not any(matches):
            return None
        try:
            target = told[1:].decode()
        except UnicodeDecodeError:
            return None
        return (target, told[0]) if is_target(target) else None


def is_target(target: str) -> bool:
    """Whether a link may lead there: http or https with a host, at most MAX_TARGET octets, no control character."""
    try:
        return _TARGET(target) is not None and len(target.encode()) <= MAX_TARGET
    except UnicodeEncodeError:
        return False  # half a surrogate pair


def _key(secret: bytes) -> bytes:
    if len(secret) < SECRET_SIZE:
        raise ValueError(f"a secret has {SECRET_SIZE} octets or more")
    return blake2b(digest_size=32, key=secret[:64], person=b"ses:link").digest()


def _mac(key: bytes, told: bytes) -> bytes:
    return blake2b(told, digest_size=_MAC, key=key).digest()
