"""Header values that people write: subjects and display names.

The standard library takes a millisecond for a subject in Japanese, and sends a display name like `=?x?` so that it is
read as something else. This takes microseconds, and the tests hold that the standard library's parser reads back
exactly what went in.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence

from ses_ops.errors import InvalidInput

#: Characters of a subject, as in the reference; also the longest line that RFC 5322 2.1.1 allows.
MAX_SUBJECT = 998
#: Characters of a line, RFC 5322 2.1.1 (78) and RFC 2047 2 (76 for a line with an encoded word).
_MAX_LINE = 76
#: Line breaks as any reader may understand them, and all other control characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: A display name that needs no quotes (RFC 5322 3.2.3).
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_WORD = re.compile(" *[^ ]+")


def clean_subject(text: str) -> str:
    """A subject as it is sent: every run of control characters and line breaks is one space, none at the ends."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _CONTROLS.sub(" ", text).strip()


def encode_subject(text: str) -> bytes:
    """The value of a Subject header (RFC 5322 2.2.3, RFC 2047), folded, for a text from `clean_subject`.

    Raises InvalidInput for more than 998 characters and for half a surrogate pair.
    """
    if len(text) > MAX_SUBJECT:
        raise InvalidInput("too_many_characters", count=len(text), most=MAX_SUBJECT, field="subject")
    if text.isascii() and text.isprintable() and "=?" not in text:
        if len(text) <= _MAX_LINE - len("Subject: "):
            return text.encode("ascii")
        folded = _fold_ascii(text)
        if folded is not None:
            return folded
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("half_surrogate_pair", number=error.start + 1, field="subject") from error
    return _encoded_words(data, len("Subject: "))


def _fold_ascii(text: str) -> bytes | None:
    """The text in lines that break before spaces, or None when a word is too long for a line."""
    lines: list[str] = []
    line = "Subject:"
    for word in _WORD.findall(" " + text):
        if len(line) + len(word) > _MAX_LINE:
            lines.append(line)
            line = ""
            if len(word) > _MAX_LINE:
                return None
        line += word
    lines.append(line)
    return "\r\n".join(lines).encode("ascii")[len("Subject: ") :] if lines[0] != "Subject:" else None


def encode_mailbox(display_name: str, address: str, *, header: str) -> bytes:
    """The value of a From or Reply-To header (RFC 5322 3.4): a name that cannot leave its quotes, and one address."""
    if not display_name:
        return address.encode()
    if display_name.isascii() and display_name.isprintable() and "=?" not in display_name:
        # Not folded: a name has at most 200 characters, and a line may have 998.
        if not _ATOMS.fullmatch(display_name):
            display_name = '"' + re.sub(r'(["\\])', r"\\\1", display_name) + '"'
        return f"{display_name} <{address}>".encode()
    words = _encoded_words(display_name.encode(), len(f"{header}: "))
    return words + b"\r\n <" + address.encode() + b">"


def encode_mailboxes(mailboxes: Sequence[tuple[str, str]], *, header: str) -> bytes:
    """The value of a To or Cc header: display names and addresses, one a line."""
    return b",\r\n ".join(encode_mailbox(name, address, header=header) for name, address in mailboxes)


def encode_text(text: str, *, header: str) -> bytes:
    """The value of another header of one line of text, which is not folded where it need not be encoded.

    Programs read such headers, and some of them as lines. `text` has 900 octets at most.
    """
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.encode("ascii")
    return _encoded_words(text.encode(), len(f"{header}: "))


def _encoded_words(data: bytes, taken: int) -> bytes:
    """RFC 2047 words in base64, cut between characters: a reader decodes each word by itself.

    `taken` characters of the first line are in use; every other line begins with a space.
    """
    words = []
    start = 0
    while start < len(data):
        # "=?utf-8?b?" and "?=" are 12 characters; base64 makes 4 of 3 octets.
        end = start + (_MAX_LINE - taken - 12) // 4 * 3
        # 10xxxxxx continues a character.
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append(b"=?utf-8?b?" + b2a_base64(data[start:end], newline=False) + b"?=")
        start, taken = end, 1
    return b"\r\n ".join(words)
