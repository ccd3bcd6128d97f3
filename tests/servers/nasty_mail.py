"""Recipients whose addresses and values try what SMTP servers and clients get wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

from tests.servers.mail_server import DOMAIN


@dataclass(frozen=True, kw_only=True)
class Person:
    """A recipient, with the values of the templates' variables."""

    address: str
    values: dict[str, str]


#: Most are plain, so that a server which refuses odd ones still gets its 300 messages; %d keeps people apart.
_LOCAL_PARTS = (
    *("plain%d", "first.last%d", "UPPER.Case%d", "with+tag%d", "with-hyphen--%d", "under_score%d", "%d", "x%d") * 4,
    "o'neil%d",
    "equals=%d",
    "{braces}%d",
    "tick`%d",
    "star*%d",
    "question?%d",
    "hash#%d",
    "dollar$%d",
    "caret^%d",
    "tilde~%d",
    "and&%d",
    "exclamation!%d",
    "percent%%%d",
    "slash/%d",
    "pipe|%d",
    '"quoted %d"',
    '"a@b %d"',
    "long" * 15 + "%d",
    "zoë%d",
)
_LONG_LINE = "x" * 3_000
_TEXTS = (
    "Just a text.",
    "",
    " ",
    "\n\n\n",
    ".",
    "..",
    ".\n.\n.\n",
    "a line\n.\n.hidden\n..twice\n...\nend",
    "\n.\nQUIT\n",
    "ended?\r\n.\r\nMAIL FROM:<eve@mail.example.com>\r\nRCPT TO:<eve@customers.example>\r\nDATA\r\n",
    "ended by bare line feeds?\n.\nRSET\nMAIL FROM:<>\n",
    "ended by bare carriage returns?\r.\rQUIT\r",
    "From here on\nFrom me to you\n>From them\n",
    _LONG_LINE,
    f"{_LONG_LINE}\n.{_LONG_LINE}\n",
    ("." * 76 + "\n") * 40,
    "=" * 500,
    "= \n =20\t\n =\n",
    "trailing blanks   \nand tabs\t\t\nand more  ",
    "é" * 997,
    "Grüße, 世界, мир, \U0001f600\U0001f469‍\U0001f469‍\U0001f467, \u202eright to left\u202c",
    "\u0085next line\u2028line\u2029paragraph\u00a0no break",
    "bell \x07, escape \x1b[2J, delete \x7f",
    "--=_ses-ops_alternative_=\n--=_ses-ops_alternative_=--\n",
    "Subject: not a header\nBcc: nobody@example.com\n\nnot a body",
    "begin 644 file.txt\n#0V%T\n`\nend\n",
    "A line of an ordinary letter, as people write them.\n" * 1_260,  # 64 kB
    "日本語の長い本文です。\n" * 1_900,  # 64 kB
)
_SUBJECTS = (
    "Plain",
    "",
    ".",
    "A long subject " + "word " * 190,
    "y" * 900,
    "語" * 300,
    "Grüße \U0001f600",
    "=?utf-8?q?looks_encoded?=",
    "two\nlines\r\nBcc: eve@example.com",
    "  blanks around  ",
    'quotes " and \\ and <angles> and (parens)',
    "From now on",
)


def people(count: int, *, kind: str, without: str = "") -> list[Person]:
    """`count` recipients, the same at every call; `kind` is in everybody's subject.

    No local part has any of the characters `without`.
    """
    found = []
    local_parts = [local for local in _LOCAL_PARTS if not set(without) & set(local % 1)]
    texts, subjects = cycle(_TEXTS), cycle(_SUBJECTS)
    for number, local in enumerate(islice(cycle(local_parts), count), start=1):
        values = {"text": next(texts), "title": f"{next(subjects)} [{kind} {number}]"}
        found.append(Person(address=f"{local % number}@{DOMAIN}", values=values))
    return found


def plain_people(count: int, *, kind: str) -> list[Person]:
    """As many without a catch: for cases where the server's behaviour is what counts."""
    return [
        Person(address=f"{kind}-{n}@{DOMAIN}", values={"text": f"Text {n}.", "title": f"{kind} {n}"})
        for n in range(1, count + 1)
    ]
