"""The signs by which the encoding of a file is recognised."""

from __future__ import annotations

import binascii
import codecs
import re
import unicodedata

from ses_ops.errors import InvalidInput

#: An escape sequence that begins another character set (ISO-2022-JP, -KR, -CN: RFC 1468, 1554, 1557, 1922).
ISO_2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([@-D]|\$[)*+][@-M]|\([IJ]|\.[AF])")
_ISO_2022_CN = re.compile(rb"\x1b\$[)*][AEGH]")
#: Bytes of the longest escape sequence.
LONGEST_ESCAPE = 4
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
    (b"\x84\x31\x95\x33", "gb18030"),
    (b"+/v8", "utf-7"),
    (b"+/v9", "utf-7"),
    (b"+/v+", "utf-7"),
    (b"+/v/", "utf-7"),
)
#: The larger character set of Windows that programs write under the name of a smaller one; browsers read such files the
#: same way (WHATWG Encoding, 4.2).
_LARGER = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
    "utf-8-sig": "utf-8",
}
#: Encodings of files of addresses besides UTF-8, most frequent first: of two that fit equally the first counts.
USUAL = (
    *("cp1252", "cp932", "cp949", "gb18030", "cp1251", "cp1250", "euc_jp", "big5", "cp1254", "cp1253", "cp1255"),
    *("cp1256", "cp1257", "cp1258", "cp874", "koi8_r", "iso8859_2", "iso8859_15", "cp850", "cp437", "mac_roman"),
)
#: Codecs of Python that recode texts and are no encoding of files.
_NO_FILES = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
#: Number of bytes by which a likely encoding is guessed.
_LOOKED_AT = 16 * 1024
#: Number of these bytes that are tried in every encoding; then the number from which a language can be recognised.
_READ, _ENOUGH_FOR_A_LANGUAGE = 4 * 1024, 400
#: Difference of plausibility below which two encodings count as equal.
_ALIKE = 0.02
_HZ = re.compile(rb"~\{((?:[\x21-\x7d][\x21-\x7e])+)~\}")
#: One field of a row; fields with an @ are skipped, because an address may have a + and a - in it.
_FIELD = re.compile(rb'[^,;\t|"\r\n]+')
_UTF_7 = re.compile(rb"\+([A-Za-z0-9+/]*)(-?)")


def python_codec(name: str) -> str:
    """Python's codec for files in an encoding that a person names; raises InvalidInput for an unknown name."""
    try:
        found = codecs.lookup(name.strip())
    except (LookupError, ValueError) as cause:
        raise _unknown(name) from cause
    codec = found.name.lower()
    if not getattr(found, "_is_text_encoding", True) or codec.replace("-", "_") in _NO_FILES:
        raise _unknown(name)
    return _LARGER.get(codec, codec)


def _unknown(name: str) -> InvalidInput:
    return InvalidInput("not_an_encoding", name=name)


def unmistakable_encoding(head: bytes) -> str | None:
    """The codec by the byte order mark, or by the NUL bytes that UTF-16 and UTF-32 have between letters; else None."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return None if codec == "utf-8" else codec
    for beginning in (head[:8], head[:200]):
        if len(beginning) < 4:
            continue
        zeros = [beginning[place::4].count(0) / len(beginning[place::4]) for place in range(4)]
        if min(zeros[1:]) > 0.5 > zeros[0]:
            return "utf-32-le"
        if min(zeros[:3]) > 0.5 > zeros[3]:
            return "utf-32-be"
        if min(zeros[1], zeros[3]) > 0.5 > max(zeros[0], zeros[2]):
            return "utf-16-le"
        if min(zeros[0], zeros[2]) > 0.5 > max(zeros[1], zeros[3]):
            return "utf-16-be"
    return None


def iso_2022_of(data: bytes) -> str | None:
    """The codec of a text with escape sequences of ISO-2022; None without one.

    None also for ISO-2022-CN, for which Python has no codec.
    """
    if not data.isascii() or not ISO_2022.search(data) or _ISO_2022_CN.search(data):
        return None
    last = data.rfind(b"\n") + 1
    for codec in ("iso2022_jp_ext", "iso2022_kr", "iso2022_jp_2", "iso2022_jp_2004"):
        try:
            data[: last or len(data)].decode(codec)
        except UnicodeError:
            continue
        return codec
    return None


def seven_bit_encoding(head: bytes) -> str | None:
    """The name of an encoding that looks like ASCII: HZ (RFC 1843), UTF-7 (RFC 2152), ISO-2022-CN; else None."""
    if not head.isascii():
        return None
    if ISO_2022.search(head):
        return "ISO-2022-CN" if _ISO_2022_CN.search(head) else "ISO-2022"
    for found in _HZ.finditer(head):
        try:
            found[0].decode("hz")
        except UnicodeError:
            continue
        return "HZ"
    return "UTF-7" if b"+" in head and _is_utf_7(head) else None


def _is_utf_7(head: bytes) -> bool:
    """Whether at least one + stands outside of addresses, and every such + begins letters of UTF-7."""
    letters = False
    for field in _FIELD.finditer(head):
        if b"+AEA-" in field[0]:
            return True
        if b"@" in field[0] or b"+" not in field[0]:
            continue
        for found in _UTF_7.finditer(field[0]):
            if not found[1] and found[2]:
                continue
            if not _letters_of_utf_7(found[1]):
                return False
            # Three characters behind a + may be letters of UTF-7 by chance.
            letters |= bool(found[2]) or len(found[1]) > 3
    return letters


def _letters_of_utf_7(code: bytes) -> bool:
    """Whether `code` is modified base64 of letters beyond ASCII, and of nothing else."""
    try:
        raw = binascii.a2b_base64(code + b"=" * (-len(code) % 4))
        text = raw[: len(raw) // 2 * 2].decode("utf-16-be")
    except (ValueError, UnicodeError):
        return False
    # The unused bits of the last base64 digit must be zero, and fewer than a byte.
    whole = len(raw) % 2 == 0 and binascii.b2a_base64(raw, newline=False).rstrip(b"=") == code
    return (
        whole and bool(text) and not text.isascii() and all(unicodedata.category(char)[0] in "LMPSNZ" for char in text)
    )


def likely_encoding(data: bytes) -> str:
    """The most likely encoding of bytes that are not UTF-8.

    The encoding with the highest plausibility as names wins; between equals charset-normalizer decides by language.
    """
    # The import stands here because few files get this far.
    from charset_normalizer import from_bytes

    from ses_ops.audience.csv.encoding_guess import plausibility

    # Only lines with bytes beyond ASCII help to decide.
    telling = b"\n".join(line for line in data.splitlines() if not line.isascii())[:_LOOKED_AT]
    scores: dict[str, float] = {}
    for name in USUAL:
        codec = _LARGER.get(name, name)
        try:
            text = codecs.getincrementaldecoder(codec)().decode(telling[:_READ])
        except UnicodeError:
            continue
        scores[codec] = plausibility(text, codec)
    best = max(scores.values(), default=0.0)
    alike = [codec for codec, score in scores.items() if score > best - _ALIKE]
    if len(alike) > 1 and len(telling) > _ENOUGH_FOR_A_LANGUAGE:
        found = from_bytes(telling, cp_isolation=list(USUAL)).best()
        known = [_LARGER.get(one, one) for one in (found.encoding, *found.could_be_from_charset)] if found else []
        alike = [codec for codec in alike if codec in known] or alike
    return alike[0] if alike else "cp1252"
