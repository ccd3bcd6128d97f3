"""A customer file with a tenth of its rows bad in thirty ways, and what must become of each row.

The oracle writes every row by hand, knows its line by counting line feeds, and shares no code with the import.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

HEADER = b"email,name,city\n"


class Good(NamedTuple):
    """A row that must be imported with exactly these values."""

    line: int
    address: str
    name: str
    city: str


class Bad(NamedTuple):
    """A row that must be reported with this kind and these words."""

    line: int
    kind: str
    words: str


#: What stands behind the address, what name and city that is.
GOOD_VALUES: list[tuple[str, str, str]] = [
    ("Name {n},Oslo\n", "Name {n}", "Oslo"),
    ('"Two\nLines {n}",Rome\n', "Two\nLines {n}", "Rome"),
    ('"Windows\r\n{n}","Köln"\r\n', "Windows\r\n{n}", "Köln"),
    ('"Old\rMac {n}",Bern\n', "Old\rMac {n}", "Bern"),
    ('"=HYPERLINK(""http://x.example/{n}"",""x"")",+1-2@x\n', '=HYPERLINK("http://x.example/{n}","x")', "+1-2@x"),
    (",\n", "", ""),
    ("A\x01\x1b[31m\x7f\x85B,tab\there\n", "A\x01\x1b[31m\x7f\x85B", "tab\there"),
    ("👩‍👩‍👧 \u202eשלום\u2028{n},\ufeff東京\n", "👩‍👩‍👧 \u202eשלום\u2028{n}", "\ufeff東京"),
    ('Jo"e "{n}",a""b\n', 'Jo"e "{n}"', 'a""b'),
    ("\\N,\\.\n", "\\N", "\\."),
    ('"{{""a"": ""\\u0000%s""}}",\'; DROP TABLE recipient;--\n', '{{"a": "\\u0000%s"}}', "'; DROP TABLE recipient;--"),
    ('" padded ",   Paris \n', " padded ", "Paris "),
    ('"",""\r\r\n', "", ""),
]
#: How an address is written in the file, and what it is sent to as.
GOOD_ADDRESSES = [
    ("user{n}@customers.example", "user{n}@customers.example"),
    ("User{n}+News@Customers.EXAMPLE", "User{n}+News@customers.example"),
    ("user{n}@Bücher.example", "user{n}@xn--bcher-kva.example"),
    ("Zoë{n}@xn--bcher-kva.example", "Zoë{n}@xn--bcher-kva.example"),
    ("  user{n}@customers.example ", "user{n}@customers.example"),
]
FIELDS, ADDRESS, QUOTES, UTF8 = "wrong number of fields", "bad address", "quotation marks", "not UTF-8"
_LONG = ".".join(["d" * 60] * 4)
#: A whole row, why it is bad. `{n}` is a number of its own.
BAD_ROWS: list[tuple[bytes, str, str]] = [
    (b"user{n}@customers.example,only a name\n", FIELDS, "2 fields where the header has 3"),
    (b"user{n}@customers.example\n", FIELDS, "1 field where the header has 3"),
    (b"user{n}@customers.example,Name,Oslo,more\n", FIELDS, "4 fields where the header has 3"),
    (b"user{n}@customers.example;Name;Oslo\n", FIELDS, "1 field where the header has 3"),
    (b"   \n", FIELDS, "1 field where the header has 3"),
    (b'user{n}@customers.example,"Na\nme",Oslo,more\n', FIELDS, "4 fields where the header has 3 (the row goes on to"),
    (b",Name {n},Oslo\n", ADDRESS, "the address is empty"),
    (b",,\n", ADDRESS, "the address is empty"),
    (HEADER, ADDRESS, "'email' has no @"),
    (b"\xef\xbb\xbf" + HEADER, ADDRESS, "has no @"),
    (b"\xef\xbb\xbfuser{n}@customers.example,Name,Oslo\n", ADDRESS, "ZERO WIDTH NO-BREAK SPACE"),
    (b"user{n}.customers.example,Name,Oslo\n", ADDRESS, "has no @"),
    (b'"a{n}@b.example,c@d.example",Name,Oslo\n', ADDRESS, "more than one @"),
    (b"Ann <user{n}@customers.example>,Name,Oslo\n", ADDRESS, "without a name"),
    (b"user..{n}@customers.example,Name,Oslo\n", ADDRESS, "two periods in a row"),
    (b"user{n}@-customers.example,Name,Oslo\n", ADDRESS, "begins or ends with a hyphen"),
    (b"user{n}@xn--a.example,Name,Oslo\n", ADDRESS, "not a valid international one"),
    (b"user{n}@[192.0.2.1],Name,Oslo\n", ADDRESS, "an IP address in brackets"),
    (b"u" * 60 + b"{n}xxxx@customers.example,Name,Oslo\n", ADDRESS, "longer than 64 octets"),
    (b"user{n}xxxxxxxxxxxx@" + _LONG.encode() + b",Name,Oslo\n", ADDRESS, "longer than 254 octets"),
    (b"us\x1ber{n}@customers.example,Name,Oslo\n", ADDRESS, "U+001B"),
    (b"=cmd|' /C calc'!A{n},Name,Oslo\n", ADDRESS, "has no @"),
    (b"user{n}@customers.example,Na\0me,Oslo\n", "NUL byte", "a NUL byte"),
    ("user{n}@customers.example,Zoë,Oslo\n".encode("latin-1"), UTF8, "byte 0xEB"),
    (b"user{n}@customers.example,\xed\xa0\x80,Oslo\n", UTF8, "byte 0xED"),
    (b"user{n}@customers.example,cut \xe6\x9d,Oslo\n", UTF8, "byte 0xE6"),
    (b"user{n}@customers.example,Name\rOslo,x\n", "stray line break", "a carriage return (CR) in the middle"),
    (b'user{n}@customers.example,"Name,Oslo\n', QUOTES, "do not match"),
    (b'user{n}@customers.example,"Na" me,Oslo\n', QUOTES, "do not match"),
]
#: How the first address of a block is written a second time; its own form is `user{n}@Bücher.example`.
REPEATS = ["user{n}@Bücher.example", "USER{n}@bÜCHER.Example", "uSer{n}@xn--bcher-kva.example"]
BAD_IN_BLOCK = len(BAD_ROWS) + len(REPEATS)
#: Rows of a block: every way once, a tenth of it.
BLOCK = 10 * BAD_IN_BLOCK
DUPLICATE = "duplicate address"


def records(blocks: int, *, seed: int = 1) -> Iterator[tuple[bytes, Good | Bad]]:
    """The rows of `blocks` times `BLOCK` rows, each with what must become of it; the header is not among them."""
    dice = random.Random(seed)
    line = number = 2
    for _ in range(blocks):
        first, base = number, line
        bad = dice.sample(range(1, BLOCK), BAD_IN_BLOCK)
        ways = dict(zip(bad, range(BAD_IN_BLOCK), strict=True))
        for place in range(BLOCK):
            way = ways.get(place)
            if way is None:
                raw, expected = _good(number, line, 2 if place == 0 else number % 5)
                if number % 97 == 0 and place:
                    raw, expected = b"\r\n" + raw, expected._replace(line=line + 1)
            elif way < len(BAD_ROWS):
                template, kind, words = BAD_ROWS[way]
                raw, expected = template.replace(b"{n}", b"%d" % number), Bad(line, kind, words)
            else:
                written = REPEATS[way - len(BAD_ROWS)].replace("{n}", str(first))
                raw = f"{written},again,Oslo\n".encode()
                expected = Bad(line, DUPLICATE, f"the same address stands on line {base}")
            yield raw, expected
            line += raw.count(b"\n")
            number += 1


def _good(number: int, line: int, form: int) -> tuple[bytes, Good]:
    written, address = GOOD_ADDRESSES[form]
    rest, name, city = GOOD_VALUES[number % len(GOOD_VALUES)]
    raw = f"{written},{rest}".format(n=number).encode()
    return raw, Good(line, address.format(n=number), name.format(n=number), city.format(n=number))
