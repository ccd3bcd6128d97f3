"""The corners of RFC 5321, 5322 and 6531: each is taken in one form, or refused with a reason in plain words."""

from __future__ import annotations

import unicodedata

import idna
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ses_ops.domain.address import parse_address
from ses_ops.errors import InvalidInput
from ses_ops.transports.port import Envelope
from ses_ops.transports.smtp.capabilities import Capabilities
from ses_ops.transports.smtp.wire import WireMessage, WireWriter
from tests.sizes import examples


def domain_of(octets: int) -> str:
    """A domain name of exactly so many octets, of labels with at most 63."""
    labels = []
    while octets > 63:
        label = min(61, octets - 2)
        labels.append("d" * label)
        octets -= label + 1
    return ".".join([*labels, "d" * octets])


#: (written, sent to); the key is the address case-folded.
TAKEN = [
    # Dot-atoms, RFC 5322 3.2.3: every character, tags, dots between.
    ("!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"),
    ("a.b.c@example.com", "a.b.c@example.com"),
    ("ann+tag@example.com", "ann+tag@example.com"),
    ("ann+@example.com", "ann+@example.com"),
    ("+@example.com", "+@example.com"),
    ("O'Hara@example.com", "O'Hara@example.com"),
    ("a!b%c.example@example.com", "a!b%c.example@example.com"),
    ("=cmd|x@example.com", "=cmd|x@example.com"),
    # Quoted local parts, RFC 5321 4.1.2: the quotes and backslashes that are not needed go.
    ('"a b"@example.com', '"a b"@example.com'),
    ('" "@example.com', '" "@example.com'),
    ('"a\\ b"@example.com', '"a b"@example.com'),
    ('"a\\"b"@example.com', '"a\\"b"@example.com'),
    ('"a\\\\b"@example.com', '"a\\\\b"@example.com'),
    ('"a.b"@example.com', "a.b@example.com"),
    ('"a..b"@example.com', '"a..b"@example.com'),
    ('".a"@example.com', '".a"@example.com'),
    ('"a@b"@example.com', '"a@b"@example.com'),
    ('"a,b;c:<d>(e)[f]"@example.com', '"a,b;c:<d>(e)[f]"@example.com'),
    ('"é x"@example.com', '"é x"@example.com'),
    ('"é"@example.com', "é@example.com"),
    # White space around it is nobody's address.
    (" ann@example.com\t", "ann@example.com"),
    ("\u00a0ann@example.com\u3000", "ann@example.com"),
    ("ann@example.com\r\n", "ann@example.com"),
    # Domains: case, both forms of an international name, its other dots and wide letters, what UTS 46 ignores.
    ("ann@EXAMPLE.Com", "ann@example.com"),
    ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
    ("ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"),
    ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
    ("ann@faß.de", "ann@xn--fa-hia.de"),
    ("ann@例え。jp", "ann@xn--r8jz45g.jp"),
    ("ann@ｅｘａｍｐｌｅ．com", "ann@example.com"),
    ("ann@exam\u00adple.com\u200b", "ann@example.com"),
    ("ann@مثال.إختبار", "ann@xn--mgbh0fb.xn--kgbechtv"),
    ("ann@क्\u200dष.com", "ann@xn--11b2ezcw70k.com"),
    # Mixed scripts are legal; whether a name deceives is for its registry to say.
    ("ann@p\u0430ypal.com", "ann@xn--pypal-4ve.com"),
    ("ann@123.com", "ann@123.com"),
    ("ann@a--b.com", "ann@a--b.com"),
    # International local parts, RFC 6531: composed (NFC), nothing else changed.
    ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    ("Pele\u0301@example.com", "Pelé@example.com"),
    ("\u212a@example.com", "K@example.com"),
    ("😀@example.com", "😀@example.com"),
    # Limits in octets, RFC 5321 4.5.3.1 and RFC 1035 2.3.4: each exactly.
    ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ("é" * 32 + "@example.com", "é" * 32 + "@example.com"),
    ('"' + "a " * 31 + '"@example.com', '"' + "a " * 31 + '"@example.com'),
    ("a@" + "b" * 63 + ".com", "a@" + "b" * 63 + ".com"),
    ("a@" + "é" * 57 + ".com", "a@" + idna.encode("é" * 57).decode() + ".com"),
    ("a" * 64 + "@" + domain_of(189), "a" * 64 + "@" + domain_of(189)),
    ("a@" + domain_of(252), "a@" + domain_of(252)),
]

#: (written, words of the reason).
REFUSED = [
    ("", "the address is empty"),
    (" \t\r\n", "the address is empty"),
    ("ann", "has no @"),
    ("ann＠example.com", "has no @"),
    ("@example.com", "something before the @"),
    ("ann@", "nothing stands after the @"),
    # Dot rules.
    (".ann@example.com", "cannot start with a period"),
    ("ann.@example.com", "cannot have a period immediately before the @"),
    ("a..b@example.com", "cannot have two periods in a row"),
    ("ann@example.com.", "it ends in a dot"),
    ("ann@.example.com", "it begins with a dot, or has two in a row"),
    ("ann@example..com", "it begins with a dot, or has two in a row"),
    # More or less than one address.
    ("a@b@example.com", "more than one @; a row has one address"),
    ("ann@example.com,bob@example.com", "more than one @"),
    ("ann@example.com; bob@example.com", "more than one @"),
    ("@relay.example:ann@example.com", "more than one @"),
    ("<ann@example.com>", "without a name and without < and >"),
    ("Ann <ann@example.com>", "without a name and without < and >"),
    ("mailto:ann@example.com", "invalid characters before the @-sign: ':'"),
    # Quoting that does not fit.
    ('""@example.com', "something before the @"),
    ('"a"b@example.com', "its quotation marks must begin and end all that stands before the @"),
    ('"a"."b"@example.com', "its quotation marks"),
    ('"a\\"@example.com', "its quotation marks"),
    ('"ann" @example.com', "its quotation marks"),
    ('a."b"@example.com', "invalid characters before the @-sign: '\"'"),
    ("a\\b@example.com", "invalid characters before the @-sign"),
    ('"a\tb"@example.com', "U+0009"),
    # Comments and folding are for header fields; an envelope has no place for them.
    ("ann(comment)@example.com", "invalid characters before the @-sign: '(', ')'"),
    ("ann@(comment)example.com", "is not a domain name: it has '(' in it"),
    ("ann@example.com (Ann)", "is not a domain name: it has ' ' in it"),
    ("ann\r\n @example.com", "SPACE, U+000A, U+000D"),
    ("ann@\r\n example.com", "it has '\\r' in it"),
    ("ann @example.com", "SPACE"),
    # Control characters, and what cannot be seen.
    ("ann\0@example.com", "U+0000"),
    ("ann\x1b@example.com", "U+001B"),
    ("ann\x7f@example.com", "U+007F"),
    ("ann@exam\0ple.com", "it has '\\x00' in it"),
    ("an\u0085n@example.com", "U+0085"),
    ("an\u200bn@example.com", "ZERO WIDTH SPACE"),
    ("an\u00adn@example.com", "SOFT HYPHEN"),
    ("an\u202en@example.com", "RIGHT-TO-LEFT OVERRIDE"),
    ("an\u2028n@example.com", "LINE SEPARATOR"),
    ("\ufeffann@example.com", "ZERO WIDTH NO-BREAK SPACE"),
    ("\u0301ann@example.com", "COMBINING ACUTE ACCENT"),
    ("a\ud800@example.com", "not an address"),
    ('"a \u3000"@example.com', "a space other than the ordinary one"),
    ('"a\u00a0b"@example.com', "NO-BREAK SPACE"),
    # What is no host name.
    ("ann@[192.0.2.1]", "an IP address in brackets takes no mass mail"),
    ("ann@[IPv6:2001:db8::1]", "an IP address in brackets takes no mass mail"),
    ("ann@192.0.2.1", "it ends in a number"),
    ("ann@example.123", "it ends in a number"),
    ("ann@-example.com", "begins or ends with a hyphen"),
    ("ann@example-.com", "begins or ends with a hyphen"),
    ("ann@exa_mple.com", "it has '_' in it"),
    ("ann@ab--c.com", 'has "--" as its third and fourth character'),
    # International names that no registry could hold, in either form.
    ("ann@xn--a.com", "is not a valid international one"),
    ("ann@xn--zzzzzzzzzzzz.com", "is not a valid international one"),
    ("ann@i❤.ws", "U+2764 at position 2"),
    ("ann@xn--i-7iq.ws", "U+2764 at position 2"),
    ("ann@1א.com", "directionality"),
    ("ann@a\u200db.com", "Joiner U+200D not allowed"),
    # Limits: one octet beyond each.
    ("a" * 65 + "@example.com", "the part before the @ is longer than 64 octets"),
    ("é" * 32 + "a@example.com", "the part before the @ is longer than 64 octets"),
    ('"' + "a " * 31 + 'a"@example.com', "the part before the @ is longer than 64 octets"),
    ("a@" + "b" * 64 + ".com", "longer than 63 octets"),
    ("a@" + "é" * 58 + ".com", "is not a valid international one (Label too long)"),
    ("a" * 64 + "@" + domain_of(190), "is longer than 254 octets"),
    ("a@" + domain_of(253), "is longer than 254 octets"),
    ("a@" + domain_of(254), "the domain has more than 253 characters"),
]


@pytest.mark.parametrize(("written", "sent_to"), TAKEN, ids=[ascii(case[0])[:50] for case in TAKEN])
def test_it_is_taken_in_one_form(written, sent_to):
    address, key = parse_address(written)
    assert address == sent_to
    assert key == unicodedata.normalize("NFC", sent_to.casefold())
    assert isinstance(written_for(address), WireMessage)


@pytest.mark.parametrize(("written", "reason"), REFUSED, ids=[ascii(case[0])[:50] for case in REFUSED])
def test_it_is_refused_with_its_reason(written, reason):
    with pytest.raises(InvalidInput) as refusal:
        parse_address(written)
    assert reason in str(refusal.value)
    assert str(refusal.value).encode("utf-8", "strict").decode().isprintable()
    assert len(str(refusal.value)) < 400


#: Servers with every extension that an address may need.
WRITER = WireWriter(Capabilities(smtp_utf8=True, eight_bit_mime=True))


def written_for(address: str) -> object:
    return WRITER.write(Envelope(1, "news@mail.example.com", address, b"x\r\n"))


_ANY_CHARACTER = st.characters(exclude_categories=[])
_LOCALS = st.one_of(
    st.text(_ANY_CHARACTER, min_size=1, max_size=8),
    st.text(_ANY_CHARACTER, min_size=1, max_size=8).map(lambda text: f'"{text}"'),
    st.text(st.characters(categories=["L", "M", "N", "S", "P"]), min_size=1, max_size=30),
    st.text(st.characters(categories=["Zs", "Lu", "Po"]), min_size=1, max_size=8).map(lambda text: f'"{text}"'),
)
_DOMAINS = st.one_of(
    st.just("example.com"),
    st.text(_ANY_CHARACTER, min_size=1, max_size=6).map(lambda text: f"x{text}y.com"),
    st.text(st.characters(categories=["L", "M", "Nd"]), min_size=1, max_size=12).map(lambda text: f"{text}.com"),
)


@settings(max_examples=examples(1500))
@given(local=_LOCALS, domain=_DOMAINS)
@example(local='"a \u00a0"', domain="example.com")
@example(local='"a \u205f"', domain="example.com")
def test_whatever_is_taken_can_be_carried_by_smtp_and_is_taken_again_unchanged(local, domain):
    try:
        parsed = parse_address(f"{local}@{domain}")
    except InvalidInput:
        return
    wire = written_for(parsed.address)
    assert isinstance(wire, WireMessage), f"{parsed.address!a}: {wire}"
    assert wire.rcpt == b"RCPT TO:<%b>\r\n" % parsed.address.encode()
    assert wire.mail.endswith(b"\r\n")
    assert not any(control in wire.mail[:-2] + wire.rcpt[:-2] for control in (b"\r", b"\n", b"\0"))
    assert parse_address(parsed.address) == parsed


@pytest.mark.parametrize("space", [chr(code) for code in range(0x3001) if unicodedata.category(chr(code))[0] == "Z"])
def test_no_space_but_the_ordinary_one_hides_in_a_quoted_local_part(space):
    if space == " ":
        assert parse_address('"a  b"@example.com').address == '"a  b"@example.com'
        return
    with pytest.raises(InvalidInput):
        parse_address(f'"a {space}b"@example.com')


_LETTERS = st.text(st.sampled_from("abcäöüéñçøß例えжщ日本"), min_size=1, max_size=12)


@settings(max_examples=examples(500))
@given(
    labels=st.lists(_LETTERS, min_size=1, max_size=3),
    local=st.text(st.sampled_from("abcXYZ.é+"), min_size=1, max_size=10),
    upper=st.lists(st.booleans(), min_size=45, max_size=45),
)
def test_the_same_domain_in_any_case_and_either_form_is_one_key(labels, local, upper):
    name = ".".join([*labels, "example"])
    try:
        first = parse_address(f"{local}@{name}")
    except InvalidInput:
        return
    # "ß" has no upper case of its own in a domain: "SS" is another name.
    cased = "".join(char.upper() if up and char != "ß" else char for char, up in zip(name, upper, strict=False))
    cased += name[len(cased) :]
    ascii_form = idna.encode(name, uts46=True).decode()
    cased_ascii = "".join(char.upper() if up else char for char, up in zip(ascii_form, upper * 6, strict=False))
    decomposed = unicodedata.normalize("NFD", name)
    for other in (cased, ascii_form, cased_ascii, decomposed, name.replace(".", "。"), idna.decode(ascii_form)):
        assert parse_address(f"{local}@{other}") == first, ascii(other)
    assert parse_address(f"{local.upper()}@{name}").key == first.key
