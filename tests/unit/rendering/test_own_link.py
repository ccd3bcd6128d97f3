"""The link to the own unsubscribe page: headers, bodies, and the footer of a template that does not show it."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.address import parse_sender
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.errors import InvalidInput
from ses_ops.rendering.message import MessageRenderer, ProviderHeader
from ses_ops.rendering.own_link import OwnLink, footers
from tests.unit.rendering.conftest import WriteTemplate

PAGE = "https://mail.example.com/u/"
TOKEN = "0123456789abcdef" * 3 + "01234567"
LINK = PAGE + TOKEN
EN = UnsubscribeLanguage.ENGLISH
#: A template that only Jinja2 can fill in, and one that needs no interpreter (fill.py).
SLOW, FAST = "{% for one in [name] %}{{ one }}{% endfor %}", "{{ name }}"
WITH_LANGUAGE = [one for one in LANGUAGES if one is not UnsubscribeLanguage.NONE]


def raw(template: Any, *, page: str = PAGE, mailbox: str | None = None, values: Any = None, **options: Any) -> bytes:
    given = {"own_link": OwnLink(page, mailbox_domain=mailbox), "footer": EN, **options}
    sender = parse_sender("Shop <news@mail.example.com>")
    renderer = MessageRenderer(template, sender=sender, installation_id="a1b2", **given)
    return renderer.render(
        occurrence_id=1,
        seq=2,
        address="ann@example.org",
        values=values or {"name": "Ann"},
        unsubscribe_token=TOKEN,
        event_token=TOKEN[::-1],
    )


def made(template: Any, **options: Any) -> EmailMessage:
    message = message_from_bytes(raw(template, **options), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(message: EmailMessage) -> tuple[str, str]:
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert text is not None
    shown = [part.get_content().replace("\r\n", "\n") if part is not None else "" for part in (html, text)]
    return shown[0], shown[1]


@pytest.mark.parametrize("length", [40, 200, 840])
def test_the_header_has_the_link_in_one_piece_whatever_its_length(write: WriteTemplate, length: int) -> None:
    page = "https://m.example/".ljust(length, "x") + "/u/"
    octets = raw(write(text="x"), page=page)
    assert f"\r\nList-Unsubscribe: <{page}{TOKEN}>\r\n".encode() in octets
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert f"{page}{TOKEN}" in bodies(message_from_bytes(octets, policy=default))[1]  # type: ignore[arg-type]


def test_with_a_bounce_domain_a_mail_unsubscribes_too(write: WriteTemplate) -> None:
    octets = raw(write(text="x"), mailbox="b.example.com")
    header = f"\r\nList-Unsubscribe: <{LINK}>,\r\n <mailto:u-{TOKEN}@b.example.com?subject=unsubscribe>\r\n"
    assert header.encode() in octets
    unfolded = str(message_from_bytes(octets, policy=default)["List-Unsubscribe"])
    assert unfolded == f"<{LINK}>, <mailto:u-{TOKEN}@b.example.com?subject=unsubscribe>"


def test_only_https_has_one_click(write: WriteTemplate) -> None:
    message = made(write(text="x"), page="http://127.0.0.1:8070/u/")
    assert message["List-Unsubscribe"] == f"<http://127.0.0.1:8070/u/{TOKEN}>"
    assert message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("name", [FAST, SLOW])
def test_where_the_template_shows_the_link_no_footer_is_added(write: WriteTemplate, name: str) -> None:
    show = "{{ unsubscribe_url }} {{ unsubscribe_url | urlencode }} {{ unsubscribe_url | length }}"
    html, text = bodies(made(write(html=f"<p>{name}</p><a href='{show}'>go</a>", text=f"{name} {show}")))
    shown = f"{LINK} https%3A//mail.example.com/u/{TOKEN} {len(LINK)}"
    assert html == f"<p>Ann</p><a href='{shown}'>go</a>\n"
    assert text == f"Ann {shown}\n"


@pytest.mark.parametrize("name", [FAST, SLOW])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<html><body><p>NAME</p>", "</body></html>\n"),
        ("<p>NAME</p>", "</BODY >"),
        ("<p>NAME</p>", "</html>"),
        ("<p>NAME</p>", ""),
        ("<body><!-- </body> --><p>NAME</p>", "</body><!-- </body> -->\n"),
        ("<p>NAME</p>{% if name %}<i></i>", "</body>{% endif %}"),
    ],
)
def test_the_footer_stands_at_the_end_of_the_html(write: WriteTemplate, name: str, before: str, after: str) -> None:
    html, text = bodies(made(write(html=(before + after).replace("NAME", name), text=f"Hello {name}")))
    plain = before.replace("NAME", "Ann").replace("{% if name %}", "")
    footer = footers(EN)
    rest = after.replace("{% endif %}", "")
    assert html.rstrip("\n") == f"{plain}{footer[0].before}{LINK}{footer[0].after}{rest}".rstrip("\n")
    assert text == f"Hello Ann\n\n{footer[1].before}{LINK}\n"


@pytest.mark.parametrize(
    "body", ["Hello", "Hello\n", "Hello\n\n", "{{ name }}", "{% for a in name %}{{ a }}\n{% endfor %}"]
)
def test_a_blank_line_parts_the_footer_from_the_text(write: WriteTemplate, body: str) -> None:
    _, text = bodies(made(write(text=body)))
    before, found, after = text.partition("\n\n" + footers(EN)[1].before)
    assert found
    assert not before.endswith("\n") or "for" in body
    assert after == f"{LINK}\n"


def test_a_body_that_shows_the_link_leaves_the_footer_to_the_other(write: WriteTemplate) -> None:
    html, text = bodies(made(write(html="<a href='{{ unsubscribe_url }}'>x</a>", text="Hello")))
    assert html == f"<a href='{LINK}'>x</a>\n"
    assert footers(EN)[1].before in text


def test_the_text_made_of_html_shows_the_link_where_the_html_does(write: WriteTemplate) -> None:
    _, text = bodies(made(write(html="<p>Hello</p><a href='{{ unsubscribe_url }}'>Leave</a>")))
    assert LINK in text
    assert footers(EN)[1].before not in text


@pytest.mark.parametrize("language", WITH_LANGUAGE)
def test_every_language_has_its_footer(write: WriteTemplate, language: UnsubscribeLanguage) -> None:
    html, text = bodies(made(write(html="<body>x</body>"), footer=language))
    direction = "rtl" if language is UnsubscribeLanguage.ARABIC else "ltr"
    assert f'lang="{language}" dir="{direction}"' in html
    for body in (html, text):
        assert body.count(LINK) == 1
    assert footers(language) != footers(EN) or language is EN
    assert not set("&<>") & set(footers(language)[1].before)


@given(st.from_regex(r"https://[a-z0-9-]{1,60}\.example(/[A-Za-z0-9._~-]{1,80}){0,6}", fullmatch=True))
def test_a_page_of_any_length_arrives_unchanged(tmp_path_factory: pytest.TempPathFactory, page: str) -> None:
    folder = tmp_path_factory.mktemp("t") / "letter"
    folder.mkdir()
    (folder / "subject.txt").write_text("x")
    (folder / "body.html").write_text("<a href='{{ unsubscribe_url }}'>x</a>")
    from ses_ops.rendering.template import load_template

    octets = raw(load_template(folder.parent, "letter"), page=page + "/u/")
    html, text = bodies(message_from_bytes(octets, policy=default))  # type: ignore[arg-type]
    assert html == f"<a href='{page}/u/{TOKEN}'>x</a>\n"
    assert f"{page}/u/{TOKEN}" in text
    body = octets.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76


def test_no_value_of_a_recipient_is_the_link(write: WriteTemplate) -> None:
    template = write(text="{{ unsubscribe_url }} {{ name }}")
    hostile = {"name": "Ann", "unsubscribe_url": "https://evil.example", "ses:unsubscribe_url encoded": "evil"}
    assert bodies(made(template, values=hostile))[1] == f"{LINK} Ann\n"


def test_the_preview_shows_the_footer_and_a_link_that_is_nobodys(write: WriteTemplate) -> None:
    sender = parse_sender("news@mail.example.com")
    template = write(html="<p>x</p>")
    renderer = MessageRenderer(template, sender=sender, installation_id="a1", own_link=OwnLink(PAGE), footer=EN)
    preview = renderer.preview({})
    assert preview.html is not None
    for body in (preview.html, preview.text):
        assert PAGE + "0" * 56 in body


def test_a_mail_has_the_own_page_or_another_address(write: WriteTemplate) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(write(text="x"), unsubscribe_url="https://x.example/u")
    assert refused.value.code == "unsubscribe_or_address"


@pytest.mark.parametrize("reply_to", [None, "help@example.com"])
@pytest.mark.parametrize("own", [True, False])
def test_a_provider_gets_the_token_of_the_message_in_its_header(
    write: WriteTemplate, reply_to: str | None, own: bool
) -> None:
    options: dict[str, Any] = {} if own else {"own_link": None, "footer": None}
    header = ProviderHeader("X-SMTPAPI", '{"unique_args": {"ses_ops": "', '"}}')
    message = made(write(html="<p>x</p>"), provider_header=header, reply_to=reply_to, **options)
    assert message["X-SMTPAPI"] == '{"unique_args": {"ses_ops": "' + TOKEN[::-1] + '"}}'
    assert message["Reply-To"] == reply_to
    assert (message["List-Unsubscribe"] is not None) is own
    plain = made(write(html="<p>x</p>"), reply_to=reply_to, **options)
    assert [name for name in message if name != "X-SMTPAPI"] == list(plain)
