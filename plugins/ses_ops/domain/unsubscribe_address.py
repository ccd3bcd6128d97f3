"""The address where a recipient unsubscribes: the URL of a page, or of a mailbox."""

from __future__ import annotations

import re

from ses_ops.domain.address import parse_address, parse_domain
from ses_ops.errors import InvalidInput

#: A variable, a block or a comment of a template; the value is known only for a recipient.
_TEMPLATE_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PAGE = re.compile(r"https?://(?:[^/?#@]*@)?(?P<host>[^/?#:]*)(?::(?P<port>[^/?#]*))?(?P<rest>.*)", re.I | re.DOTALL)
_MAILBOX = re.compile(r"mailto:(?P<address>[^?]*)", re.I)


def unsubscribe_address(text: str) -> str:
    """The same text if it can be the address in a mail; raises InvalidInput for one that no recipient could reach."""
    plain = _TEMPLATE_CODE.sub("x", text)
    if not re.match(r"https?://|mailto:", text, re.I) or re.match(r"(?:https?://|mailto:)[{}]", text, re.I):
        raise InvalidInput("unsubscribe_url_of_other_scheme", url=text)
    if re.search(r"[\x00-\x20\x7f]", plain):
        raise InvalidInput("unsubscribe_url_with_odd_character", url=text)
    if page := _PAGE.fullmatch(plain):
        _check_host(page["host"], text)
        if page["port"] is not None and not re.fullmatch(r"[0-9]{1,5}", page["port"]):
            raise InvalidInput("unsubscribe_url_with_odd_port", url=text)
    elif mailbox := _MAILBOX.match(plain):
        _check_host(parse_address(mailbox["address"]).address.rpartition("@")[2], text)
    return text


def is_secure(text: str) -> bool:
    """Whether mailbox providers accept the address for unsubscribing (RFC 8058: https; a mailbox is fine, too)."""
    return not text[:7].lower().startswith("http://")


def _check_host(host: str, text: str) -> None:
    """Refuse a host without a dot in its name: recipients can reach only hosts of the internet."""
    name = parse_domain(host) if host else ""
    if "." not in name or name.rpartition(".")[2].isdigit():
        raise InvalidInput("unsubscribe_url_leads_nowhere", url=text, host=host)
