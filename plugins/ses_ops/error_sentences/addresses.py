"""Errors of an address, a sender, a domain or a link."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "address_empty": "the address is empty",
    "address_not_answerable": "{address!r} has letters beyond ASCII before the @, and not everybody can answer to it",
    "address_too_long": "{address!r} is longer than {most} octets",
    "address_with_name": "it must be the address alone, without a name and without < and >",
    "address_with_open_quotation_marks": "its quotation marks must begin and end all that stands before the @",
    "address_without_at_sign": "{address!r} has no @",
    "bounce_domain_empty": "the domain is empty",
    "bounce_domain_sends": (
        "{name!r} is a sender domain, and the bounce listener would refuse the answers to its senders; take a name "
        "that nobody writes to, such as {proposed}"
    ),
    "display_name_too_long": "the display name has more than {most} characters",
    "domain_empty": "nothing stands after the @",
    "domain_ends_in_a_dot": "it ends in a dot",
    "domain_ends_in_a_number": "{domain!r} is not a domain name: it ends in a number",
    "domain_is_an_ip_address": (
        "an IP address in brackets takes no mass mail; a name such as mail.example.com is needed"
    ),
    "domain_name_too_long": "it is longer than {most} octets",
    "domain_too_long": "the domain has more than {most} characters",
    "domain_with_empty_label": "it begins with a dot, or has two in a row",
    "domain_with_odd_character": "it has {character!r} in it",
    "domain_without_dot": "it has no dot in it",
    "domain_without_dot_meant": "it has no dot in it; is {domain} meant?",
    "label_reserved": (
        'a part between its dots has "--" as its third and fourth character, and is not the xn-- form of a name'
    ),
    "label_too_long": "a part between its dots is longer than {most} octets",
    "label_with_outer_hyphen": "a part between its dots begins or ends with a hyphen",
    "local_part_not_valid": "{says}",
    "local_part_too_long": "the part before the @ is longer than {most} octets",
    "local_part_with_control_character": "the part before the @ has a control character in it",
    "local_part_with_odd_space": "the part before the @ has a space other than the ordinary one in it",
    "not_a_domain": "{domain!r} is not a domain name: {why}",
    "not_a_sender": '{sender!r} is not of the form "Name <address>"',
    "not_an_address": "{address!r} is not an address: {why}",
    "not_an_international_domain": "the domain {domain!r} is not a valid international one ({cause})",
    "sender_with_control_character": "{sender!r} has a line break or another control character in it",
    "several_addresses": "it has more than one @; a row has one address",
    "suppressed_address_not_found": "there is no suppressed address named {name!r}",
    "unsubscribe_url_leads_nowhere": (
        "{url!r} leads nowhere: {host!r} is no host name with a dot, such as shop.example.com"
    ),
    "unsubscribe_url_of_other_scheme": "{url!r} must begin with https://, http:// or mailto:",
    "unsubscribe_url_with_odd_character": "{url!r} has a space or another character in it that no address has",
    "unsubscribe_url_with_odd_port": "{url!r} has a port that is no number",
}
