"""The plausibility of a text as names of people, to guess an encoding.

charset-normalizer, which knows languages, needs some sentences, and a list of addresses may have two umlauts in it. In
the wrong encoding these show: J顤g mixes scripts, MŸller has a capital in the middle, £ukasz a currency in a name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

#: Signs beyond ASCII that are usual in lists, beside words.
_USUAL_SIGNS = frozenset("€–—‘’“”„…·°§«»¿¡ºª\u00a0№・、。！？～（）／：ー々〇㈱")
#: The letters that most words of a script are made of; in another code page the same bytes are rare letters.
_FREQUENT = frozenset("оеаинтсрвлкмюьяαοιετσνηυρπκμλςάέήίόύώיוהלאתמרבשנםןاليمنوترعبدهسةح")
_NOT_FREQUENT = 0.75
#: Letters of one or two languages only; where a similar code page has a common letter, that is more likely.
_RARE_LETTERS = frozenset("ÐðÞþÝ")
_WORD = re.compile(r"[^\W\d_]+")
#: The first bytes of the characters of basic level, by encoding (JIS X 0208, GB 2312, Big5, KS X 1001).
_COMMON = {
    "cp932": ("shift_jis", ((0x81, 0x97),)),
    "euc_jp": ("euc_jp", ((0xA1, 0xA5), (0xB0, 0xCF))),
    "gb18030": ("gb2312", ((0xA1, 0xA3), (0xB0, 0xD7))),
    "big5hkscs": ("big5", ((0xA1, 0xC6),)),
    "big5": ("big5", ((0xA1, 0xC6),)),
    "cp949": ("euc_kr", ((0xA1, 0xA3), (0xB0, 0xC8))),
}


def plausibility(text: str, codec: str) -> float:
    """How well the letters beyond ASCII fit into their words, in a text read by a codec: from 0 to 1."""
    found: list[float] = []
    words = 0
    for word in _WORD.finditer(text):
        if not word[0].isascii():
            fits = _word(word[0], codec)
            found += fits
            words += len(fits)
    signs = [one for one in text if not one.isascii() and not one.isalpha()]
    found += [0.9 if one in _USUAL_SIGNS else 0.0 for one in signs]
    # A sign directly between letters is in no name.
    found += [0.0] * len(
        re.findall(r"(?<=[^\W\d_])[^\x00-\x7f\w](?=[^\W\d_])|[£¤¥¢¼½¾¸¹²³¶µ†‡‰™®©¬±×÷](?=[^\W\d_])", text)
    )
    return sum(found) / len(found) if found else 0.0


def _word(word: str, codec: str) -> list[float]:
    """The plausibility of each letter beyond ASCII in a word."""
    scripts = {_script(letter) for letter in word}
    beyond = sum(not letter.isascii() for letter in word)
    mixed = 0.1 if len(scripts) > 1 else 1.0
    # A name in Latin letters has more letters without diacritics than with.
    crowded = 0.7 if scripts == {"LATIN"} and len(word) > 2 and beyond > 0.6 * len(word) else 1.0
    return [
        mixed * crowded * _case(word, place) * _common(letter, codec)
        for place, letter in enumerate(word)
        if not letter.isascii()
    ]


def _case(word: str, place: int) -> float:
    """The plausibility of a letter's case: a capital behind or before a small letter inside a word is unlikely."""
    letter, before, after = word[place], word[place - 1 : place], word[place + 1 : place + 2]
    if letter.isupper() and before and (before.islower() or after.islower()):
        return 0.2
    return 0.2 if letter.islower() and before.isupper() and after.isupper() else 1.0


@cache
def _common(letter: str, codec: str) -> float:
    if letter in _RARE_LETTERS:
        return 0.7
    # Ligatures and similar characters are on no keyboard.
    if not unicodedata.is_normalized("NFKC", letter) and codec not in _COMMON:
        return 0.1
    if codec not in _COMMON:
        frequent = _script(letter) == "LATIN" or letter.lower() in _FREQUENT
        return 1.0 if frequent else _NOT_FREQUENT
    if 0xFF61 <= ord(letter) <= 0xFF9F:  # bytes of another encoding often read as half-width katakana
        return 0.3
    base, spans = _COMMON[codec]
    try:
        first = letter.encode(base)[0]
    except UnicodeEncodeError:
        return 0.2
    return 1.0 if any(low <= first <= high for low, high in spans) else 0.5


@cache
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    # A Japanese word may mix three scripts.
    return "CJK" if name in ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "FULLWIDTH", "KATAKANA-HIRAGANA") else name
