"""What texts are searched by: one way to write what people write in many."""

from __future__ import annotations

import re
import unicodedata

from ses_ops.domain.address import domain_key

#: The full stops of IDNA (UTS 46), and what stands before a domain.
_BETWEEN_LABELS = re.compile("([.@\u3002\uff0e\uff61]+)")


def search_key(text: str) -> str:
    """A text without the differences of case, composition and width (Unicode's NFKC_Casefold, D146).

    Of two texts that a reader takes for one both have the same key: `straße` and `STRASSE`, NFC and NFD, `ＡＢＣ` and
    `abc`. It is the same for a key. Compare keys with keys: `search_key(wanted) in search_key(text)`.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())


def address_keys(text: str) -> list[str]:
    """What a part of an address may stand as in an address key (`Address.key`), most likely first.

    A key keeps the width of letters, and its domain is made of A-labels: `bücher.example` stands as
    `xn--bcher-kva.example`. A part of an international label has no A-label; only whole ones are found by it.
    """
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    wide = search_key(text)
    return list(dict.fromkeys((plain, wide, _with_a_labels(wide))))


def _with_a_labels(text: str) -> str:
    """Every international label of the domain as its A-label: behind an @ if there is one, else everywhere."""
    local, at, domain = text.rpartition("@")
    labels = (part if part.isascii() else domain_key(part) for part in _BETWEEN_LABELS.split(domain))
    return local + at + "".join("." if part in "\u3002\uff0e\uff61" else part for part in labels if part)
