"""Keys for searching: one form for the many ways to write a text."""

from __future__ import annotations

import re
import unicodedata

from ses_ops.domain.address import domain_key

#: The full stops of IDNA (UTS 46), and the @ before a domain.
_BETWEEN_LABELS = re.compile("([.@\u3002\uff0e\uff61]+)")


def search_key(text: str) -> str:
    """A text without the differences of case, composition and width (Unicode's NFKC_Casefold, D146).

    Two texts that a reader takes for the same have the same key: `straße` and `STRASSE`, NFC and NFD, `ＡＢＣ` and
    `abc`. The key of a key is the same key. Compare keys with keys: `search_key(wanted) in search_key(text)`.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def address_keys(text: str) -> list[str]:
    """The forms that a part of an address may have in an address key (`Address.key`), most likely first.

    An address key keeps the width of letters, and its domain is made of A-labels: `bücher.example` is stored as
    `xn--bcher-kva.example`. A part of an international label has no A-label, so only whole labels are found.
    """
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    wide = search_key(text)
    return list(dict.fromkeys((plain, wide, _with_a_labels(wide))))


def _with_a_labels(text: str) -> str:
    """`text` with every international label as its A-label: behind the last @ if there is one, else everywhere."""
    local, at, domain = text.rpartition("@")
    labels = (part if part.isascii() else domain_key(part) for part in _BETWEEN_LABELS.split(domain))
    return local + at + "".join("." if part in "\u3002\uff0e\uff61" else part for part in labels if part)
