"""E-mail addresses as recipients and senders write them (RFC 5321, RFC 5322, RFC 6531).

Nearly every address of a real list is a plain ASCII address, and lists have millions of rows: plain addresses are
recognised by one regular expression. All others (quoted local parts, international addresses, mistakes) go through the
email-validator library, which also words the reason of a refusal.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import idna

from ses_ops.errors import Explanation, InvalidInput

#: Octets of the longest local part (RFC 5321 4.5.3.1.1) and of the longest address (erratum 1690 of RFC 3696).
MAX_LOCAL_PART = 64
MAX_ADDRESS = 254
#: Octets of the longest domain name and of the longest label in one (RFC 1035 2.3.4).
MAX_DOMAIN = 253
MAX_LABEL = 63
#: Characters of the longest display name. A longer name is a mistake, and no mail client shows the whole of it.
MAX_DISPLAY_NAME = 200
#: Characters of the longest name and address together, with quotes and escapes.
MAX_SENDER = 1_000

_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*+")
_LABEL = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
#: dot-atom "@" host name with a dot in it, with a domain so short that no label can be too long, without "--" (IDNA)
#: and with a letter at the end (so no IP address). Possessive quantifiers: the expression never backtracks, whatever
#: stands in the file.
_PLAIN = re.compile(
    rf"(?=[^@]{{1,{MAX_LOCAL_PART}}}@[^@]{{1,63}}\Z){_ATEXT}(?:\.{_ATEXT})*+@{_LABEL}(?:\.{_LABEL})++(?<=[A-Za-z])"
)
#: Two characters and two hyphens at the beginning of a label: reserved, but for "xn--" (RFC 5890 2.3.1).
_RESERVED_LABEL = re.compile(r"(?:^|\.)(?!xn--)..--")
#: A domain that stands in for the real one: the library refuses example.test, .local and the like, which people test
#: with, so it is given only the local part, in front of this domain.
_STAND_IN_DOMAIN = "@a.co"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SENDER = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"|[^<>]*)\s*<\s*(?P<address>[^<>]*?)\s*>|(?P<bare>[^<>]+)', re.DOTALL)


class Address(NamedTuple):
    """An address that SMTP accepts. (A tuple: lists have millions of rows, and a dataclass takes twice the time.)"""

    #: The form for sending: the local part as written (NFC), the domain in lower case and as IDNA A-labels.
    address: str
    #: The form for comparing (one message a person, suppression): `address` with the local part case-folded as well.
    #: RFC 5321 2.4 lets a server tell `Ann@` from `ann@`; in practice no server does, and people write both.
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """The sender of a mail: display name and address."""

    #: Empty when only an address was given.
    display_name: str
    address: str
    #: The sender domain, by which the warm-up quota is counted.
    domain: str

    def __str__(self) -> str:
        return f"{self.display_name} <{self.address}>" if self.display_name else self.address


def parse_address(text: str, *, dotless: bool = False) -> Address:
    """Read an address; white space around it is ignored. Raises InvalidInput with the reason.

    A domain without a dot is refused: no mailbox on the internet has such an address. With `dotless` it is accepted, to
    find an address again that an older version has stored.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text) is None:
        return _parse_unusual(text, dotless=dotless)
    key = text.lower()
    if key == text:
        return Address(text, key)
    local, _, domain = text.rpartition("@")
    return Address(f"{local}@{domain.lower()}", key)


@lru_cache(maxsize=1_000)
def parse_sender(text: str) -> Sender:
    """The sender in `Example Shop <news@mail.example.com>` or in a bare address; raises InvalidInput."""
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in text):
        raise InvalidInput("sender_with_control_character", sender=_shortened(text), field="sender")
    match = _SENDER.fullmatch(text.strip()) if len(text) <= MAX_SENDER else None
    if match is None:
        raise InvalidInput("not_a_sender", sender=_shortened(text), field="sender")
    address = parse_address(match["address"] if match["bare"] is None else match["bare"], dotless=True).address
    name = (match["name"] or "").strip()
    if _QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if len(name) > MAX_DISPLAY_NAME:
        raise InvalidInput("display_name_too_long", most=MAX_DISPLAY_NAME, field="sender")
    return Sender(display_name=name, address=address, domain=address.rpartition("@")[2])


def answerable(address: str) -> str:
    """The same address if it can stand in Reply-To; raises InvalidInput for an international address.

    Unlike From, Reply-To is no part of the SMTP dialogue, so nothing there says that the message needs SMTPUTF8 (RFC
    6531): the message would reach servers that cannot read the address, and recipients who cannot answer to it.
    """
    if not address.isascii():
        raise InvalidInput("address_not_answerable", address=_shortened(address))
    return address


@lru_cache(maxsize=10_000)
def parse_domain(text: str) -> str:
    """A domain name in lower case and as IDNA A-labels; raises InvalidInput with the reason."""
    if len(text) > MAX_DOMAIN:
        raise InvalidInput("domain_too_long", most=MAX_DOMAIN)
    domain = text.lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise InvalidInput("not_an_international_domain", domain=_shortened(text), cause=error) from error
    if not _HOST_NAME.fullmatch(domain) or len(domain) > MAX_DOMAIN or _RESERVED_LABEL.search(domain):
        if not text:
            raise InvalidInput("domain_empty")
        raise InvalidInput("not_a_domain", domain=_shortened(text), why=_why_no_domain(domain))
    if domain.rpartition(".")[2].isdigit():
        raise InvalidInput("domain_ends_in_a_number", domain=_shortened(text))
    if "xn--" in domain:
        try:
            idna.decode(domain)
        except (idna.IDNAError, UnicodeError) as error:
            raise InvalidInput("not_an_international_domain", domain=_shortened(text), cause=error) from error
    return domain


def domain_key(text: str) -> str:
    """The key that domains are compared by: the same for U-labels and A-labels, any case, with or without the last dot.

    A text that is no domain name is only case-folded, so that an error can still show the text.
    """
    name = text.strip()
    # The four full stops of IDNA (UTS 46). `parse_domain` refuses one at the end, which SMTP does not carry.
    name = name[:-1] if name.endswith((".", "\u3002", "\uff0e", "\uff61")) else name
    try:
        return parse_domain(name)
    except InvalidInput:
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())


def _why_no_domain(domain: str) -> Explanation:
    """The fault in the form of a domain (in lower case and ASCII), in words."""
    if domain.startswith("["):
        return Explanation("domain_is_an_ip_address")
    odd = re.search(r"[^a-z0-9.-]", domain)
    if odd:
        return Explanation("domain_with_odd_character", character=odd[0])
    if domain.endswith("."):
        return Explanation("domain_ends_in_a_dot")
    labels = domain.split(".")
    if "" in labels:
        return Explanation("domain_with_empty_label")
    if max(map(len, labels)) > MAX_LABEL:
        return Explanation("label_too_long", most=MAX_LABEL)
    if len(domain) > MAX_DOMAIN:
        return Explanation("domain_name_too_long", most=MAX_DOMAIN)
    if any(label.startswith("-") or label.endswith("-") for label in labels):
        return Explanation("label_with_outer_hyphen")
    return Explanation("label_reserved")


def _why_no_dot(domain: str) -> Explanation:
    # The import stands here because few addresses get this far.
    from ses_ops.domain.mistyped_addresses import domain_meant

    meant = domain_meant(f"@{domain}")
    return Explanation("domain_without_dot_meant", domain=meant) if meant else Explanation("domain_without_dot")


def _parse_unusual(text: str, *, dotless: bool) -> Address:
    local, at, domain_text = text.rpartition("@")
    if not text:
        raise InvalidInput("address_empty")
    if not at:
        raise InvalidInput("address_without_at_sign", address=_shortened(text))
    try:
        _refuse_more_than_an_address(text, local)
        domain = parse_domain(domain_text)
        if "." not in domain and not dotless:
            raise InvalidInput("not_a_domain", domain=_shortened(domain_text), why=_why_no_dot(domain))
        local = _checked_local_part(local)
    except InvalidInput as error:
        raise InvalidInput("not_an_address", address=_shortened(text), why=error) from error
    address = f"{local}@{domain}"
    if len(address.encode()) > MAX_ADDRESS:
        raise InvalidInput("address_too_long", address=_shortened(text), most=MAX_ADDRESS)
    # Case folding can take a text out of NFC again, and a key must not depend on the composition of a character.
    return Address(address, unicodedata.normalize("NFC", f"{local.casefold()}@{domain}"))


def _refuse_more_than_an_address(text: str, local: str) -> None:
    """Refuse mistakes that a check of one side of the @ would describe wrongly."""
    if local.startswith('"'):
        if not _QUOTED.fullmatch(local):
            raise InvalidInput("address_with_open_quotation_marks")
    elif "<" in text or ">" in text:
        raise InvalidInput("address_with_name")
    elif "@" in local:
        raise InvalidInput("several_addresses")


def _checked_local_part(local: str) -> str:
    if len(local) <= MAX_LOCAL_PART and _DOT_ATOM.fullmatch(local):
        return local
    if len(local) > MAX_ADDRESS:
        raise InvalidInput("local_part_too_long", most=MAX_LOCAL_PART)
    # The import stands here because few addresses get this far; its 30 ms are a tenth of what `ses task list` may take.
    import email_validator

    try:
        checked = email_validator.validate_email(
            local + _STAND_IN_DOMAIN, check_deliverability=False, allow_smtputf8=True, allow_quoted_local=True
        ).local_part
    except (email_validator.EmailNotValidError, UnicodeError) as error:
        raise InvalidInput("local_part_not_valid", says=str(error).rstrip(".")) from error
    # The library has this limit only in its strict mode, which also refuses quoted local parts.
    if len(checked.encode()) > MAX_LOCAL_PART:
        raise InvalidInput("local_part_too_long", most=MAX_LOCAL_PART)
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in checked):
        raise InvalidInput("local_part_with_control_character")
    # The library accepts other spaces within quotation marks, which no mail server would carry.
    if any(unicodedata.category(char) == "Zs" and char != " " for char in checked):
        raise InvalidInput("local_part_with_odd_space")
    return checked


def _shortened(text: str) -> str:
    """A text of at most 80 characters, for one readable line."""
    return text if len(text) <= 80 else text[:77] + "..."
