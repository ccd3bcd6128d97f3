"""The mail of a single message: its parts, its tokens, and what it refuses before it is accepted."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest

from ses_ops.domain.mail_tracking import Tracking
from ses_ops.errors import InvalidInput, SesError, TemplateError
from ses_ops.events.link_tokens import LinkReader
from ses_ops.events.tokens import Purpose, TokenReader, address_check
from ses_ops.rendering.message import MAX_MESSAGE
from tests.unit.sending.single_mails import PROVIDER, PUBLIC, SECRET, mail, parsed, prepared, read

PNG = {"name": "logo.png", "content": b64encode(b"\x89PNG").decode(), "content_id": "logo"}
PDF = {"name": "a.pdf", "content": b64encode(b"%PDF").decode()}


def shape(part) -> Any:
    """The types of the parts, inside of each other."""
    kind = part.get_content_type()
    return [kind, *(shape(one) for one in part.iter_parts())] if part.is_multipart() else kind


@pytest.mark.parametrize(
    ("fields", "shaped"),
    [
        ({}, "text/plain"),
        ({"html": "<p>x"}, ["multipart/alternative", "text/plain", "text/html"]),
        ({"html": "<p>x", "text": None}, ["multipart/alternative", "text/plain", "text/html"]),
        ({"attachments": [PDF]}, ["multipart/mixed", "text/plain", "application/pdf"]),
        ({"attachments": [PNG]}, ["multipart/mixed", "text/plain", "image/png"]),
        (
            {"html": "<img src='cid:logo'>", "attachments": [PDF, PNG]},
            [
                "multipart/mixed",
                ["multipart/alternative", "text/plain", ["multipart/related", "text/html", "image/png"]],
                "application/pdf",
            ],
        ),
    ],
)
def test_the_parts_stand_inside_of_each_other_as_readers_expect(fields, shaped):
    assert shape(mail(**fields)) == shaped


def test_html_alone_gets_a_text_that_is_made_of_it():
    made = mail(text=None, html="<p>Dear <b>Ann</b></p><p>Your code: 1</p>")
    assert made.get_body(("plain",)).get_content().split() == ["Dear", "Ann", "Your", "code:", "1"]


def test_lists_and_objects_can_be_shown_and_null_is_a_missing_value():
    values = {
        "order": {
            "items": [{"name": "<Tea>", "price": 3.5, "paid": True}, {"name": "Cup", "price": 2, "paid": None}],
            "note": None,
        },
        "name": None,
    }
    text = (
        "Hi {{ name | default('friend') }}{% for item in order.items %}\n{{ loop.index }} {{ item.name }} "
        "{{ item.price }}{% if item.paid %} paid{% endif %}{% endfor %}\n{{ order.note | default('no note') }}"
    )
    made = mail(subject="{{ order.items | length }} things", text=text, html=f"<pre>{text}</pre>", values=values)
    assert made["Subject"] == "2 things"
    wanted = "Hi friend\n1 <Tea> 3.5 paid\n2 Cup 2\nno note"
    plain, html = (str(part.get_content()).replace("\r\n", "\n") for part in made.iter_parts())
    assert plain == wanted
    assert html == f"<pre>{wanted.replace('<Tea>', '&lt;Tea&gt;')}</pre>"


@pytest.mark.parametrize("value", [5, 5.5, True, "5", 10**15, ["a"], {"a": 1}])
def test_a_value_that_is_no_text_is_written_as_a_template_writes_it(value):
    assert mail(text="<{{ x }}>", values={"x": value}).get_content() == f"<{value}>\r\n"
    assert mail(text="{% if x %}yes{% endif %}", values={"x": value}).get_content() == "yes\r\n"


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"text": "{{ code }}"}, "values", "values_missing"),
        ({"text": "{{ code }}", "values": {"kode": "1"}}, "values", "values_missing"),
        ({"text": "x", "subject": "{{ code }}"}, "values", "values_missing"),
        ({"text": "{{ a.b }}", "values": {"a": {}}}, "values", "value_missing"),
        ({"text": "{{ a + 1 }}", "values": {"a": "x"}}, "text", "template_engine_says"),
        ({"text": "{% for x in a %}{% endfor %}", "values": {"a": 5}}, "text", "template_engine_says"),
        ({"html": "{% if %}", "text": "x"}, "html", "template_engine_says"),
        ({"html": "{% if %}", "text": None}, "html", "template_engine_says"),
        ({"text": "{% include 'order-notice/body.html' %}"}, "text", "included_file_missing"),
        ({"text": "{{ ''.__class__ }}"}, "text", "not_open_to_templates"),
        ({"text": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"}, "text", None),
        ({"text": "{{ 'x' * 100000000 }}"}, "text", "repetition_too_long"),
        ({"text": "{{ a }}" * 3_000, "values": {"a": "x"}}, "text", "too_much_code"),
        ({"subject": "Order {{ n }}", "values": {"n": "1\r\nBcc: x@y.example"}}, "subject", "subject_with_line_break"),
        ({"subject": "{{ n }}", "values": {"n": "x" * 999}}, "subject", "too_many_characters"),
        ({"text": None, "html": "{{ a }}" + "<p>x</p>" * 30_000, "values": {"a": "x"}}, "text", "html_needs_text"),
        ({"text": "{{ a }}" + "\n" * 300_000, "values": {"a": "x"}}, "text", "own_text_too_long"),
        ({"text": "x" * 400_000}, None, None),
        ({"unsubscribe": "en"}, None, None),
    ],
)
def test_what_could_not_be_made_is_refused_before_it_is_accepted(fields, field, code):
    message = parsed(**fields)
    if field is None:
        assert prepared(message).content(1, 1, 0)
        return
    with pytest.raises(SesError) as refused:
        prepared(message)
    assert refused.value.facts["field"] == field
    assert code is None or refused.value.code == code
    assert str(refused.value)


def test_a_mail_that_is_too_large_is_refused_and_the_largest_is_not():
    assert prepared(parsed(text="x" * (MAX_MESSAGE - 200_000)))
    with pytest.raises(InvalidInput) as refused:
        prepared(parsed(text="x\n" * (MAX_MESSAGE // 2)))
    assert refused.value.code == "message_too_large"
    large = {"name": "a.bin", "content": b64encode(bytes(MAX_MESSAGE)).decode()}
    assert len(prepared(parsed(attachments=[large])).content(1, 1, 0)) > MAX_MESSAGE * 4 // 3
    with pytest.raises(InvalidInput):
        prepared(parsed(attachments=[large], text="x" * 100_000))


def test_an_unsubscribe_link_and_tracked_links_have_the_tokens_of_each_recipient():
    message = parsed(
        to=["ann@example.com", "bo@example.com"],
        html='<p>Hello {{ n }} <a href="https://shop.example/?a=1&amp;b=2">shop</a></p>',
        values={"n": 1},
        unsubscribe="en",
        track={"opens": True, "clicks": True},
    )
    made = prepared(message, bounce_domain="b.example.com", provider_header=PROVIDER)
    assert (made.tracked, made.targets) == (Tracking(opens=True, clicks=True), ("https://shop.example/?a=1&b=2",))
    readers = {purpose: TokenReader([SECRET], purpose) for purpose in Purpose}
    for place, address in enumerate(("ann@example.com", "bo@example.com")):
        sender, content = made.made(occurrence_id=7, seq=100 + place, place=place)
        found = read(content)
        assert found["To"] == address
        assert found["Message-ID"] == f"<i1.7.{100 + place}@codes.example.com>"
        html = found.get_body(("html",)).get_content()
        tokens = {
            Purpose.BOUNCE: sender.removeprefix("b-").removesuffix("@b.example.com"),
            Purpose.EVENT: found["X-Token"].strip("<>"),
            Purpose.OPEN: re.search(rf"{PUBLIC}/o/(\w+)\.gif", html)[1],
            Purpose.CLICK: re.search(rf"{PUBLIC}/c/(\w+)/", html)[1],
            Purpose.UNSUBSCRIBE: re.search(rf'href="{PUBLIC}/u/(\w+)"', html)[1],
        }
        for purpose, token in tokens.items():
            key, _ = readers[purpose].read(token)
            assert (key.occurrence_id, key.seq, key.address_check) == (7, 100 + place, address_check(address))
        link = re.search(rf"{PUBLIC}/c/\w+/([\w-]+)", html)[1]
        assert LinkReader([SECRET]).read(link) == ("https://shop.example/?a=1&b=2", 0)
        token = tokens[Purpose.UNSUBSCRIBE]
        assert found["List-Unsubscribe"].split() == [
            f"<{PUBLIC}/u/{token}>,",
            f"<mailto:u-{token}@b.example.com?subject=unsubscribe>",
        ]
        assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f"{PUBLIC}/u/{token}" in found.get_body(("plain",)).get_content()
        assert found["Precedence"] == "bulk"


def test_a_sign_in_code_is_no_bulk_mail_and_answers_are_not_asked_for():
    made = mail()
    assert (made["Precedence"], made["Auto-Submitted"]) == (None, "auto-generated")
    assert made["Feedback-ID"] == "single:codes.example.com:api:i1"
    assert prepared(parsed()).envelope_sender(7, 1, 0) == "code@codes.example.com"


def test_a_shared_mail_is_made_once_and_shows_everybody_but_the_blind_copies():
    message = parsed(to=["Ann <ann@example.com>", "bo@example.com"], cc=["cy@example.com"], bcc=["di@example.com"])
    made = prepared(message, bounce_domain="b.example.com")
    contents = [made.content(7, 100 + place, place) for place in range(4)]
    assert all(one is contents[0] for one in contents)
    assert len({made.envelope_sender(7, 100 + place, place) for place in range(4)}) == 4
    found = read(contents[0])
    assert (found["To"], found["Cc"]) == ("Ann <ann@example.com>, bo@example.com", "cy@example.com")
    assert b"di@" not in contents[0]
    again = made.content(8, 5, 1)  # another occurrence: what a dead process left
    assert read(again)["Message-ID"] == "<i1.8.4@codes.example.com>"


def test_shared_mail_with_tokens_differs_in_them_alone():
    made = prepared(parsed(to=["ann@example.com", "bo@example.com"], shared=True, unsubscribe="en"))
    one, other = (read(made.content(7, 100 + place, place)) for place in range(2))
    assert one["Message-ID"] == other["Message-ID"] == "<i1.7.100@codes.example.com>"
    assert one["To"] == other["To"] == "ann@example.com, bo@example.com"
    assert one["List-Unsubscribe"] != other["List-Unsubscribe"]


def test_mail_to_blind_copies_alone_names_nobody():
    assert mail(to=None, bcc=["di@example.com", "ed@example.com"])["To"] == "undisclosed-recipients:;"


def test_an_international_address_stands_in_to_as_it_is():
    content = prepared(parsed(to="用户@例え.jp")).content(7, 1, 0)
    assert "To: 用户@xn--r8jz45g.jp\r\n".encode() in content


def test_a_header_of_the_message_does_not_stand_beside_ours_of_the_same_name():
    assert mail(headers={"X-Pool": "a"})["X-Pool"] == "a"
    with pytest.raises(InvalidInput) as refused:
        prepared(parsed(headers={"x-pool": "a"}), headers={"X-Pool": "b"})
    assert refused.value.field == "headers.x-pool"
    with pytest.raises(InvalidInput):
        prepared(parsed(headers={"x-token": "a"}), provider_header=PROVIDER)


def test_a_template_of_the_folder_is_found_and_a_change_is_seen(tmp_path):
    folder = tmp_path / "welcome"
    folder.mkdir()
    (folder / "subject.txt").write_text("Hi {{ name }}")
    (folder / "body.txt").write_text("Dear {{ name }}")
    fields: dict[str, Any] = {"template": "welcome", "text": None, "subject": None}
    assert mail(tmp_path, **fields, values={"name": "Ann"})["Subject"] == "Hi Ann"
    with pytest.raises(TemplateError) as refused:
        mail(tmp_path, **fields)
    assert (refused.value.code, refused.value.facts["names"]) == ("values_missing", ["name"])
    with pytest.raises(TemplateError) as unknown:
        mail(tmp_path, **{**fields, "template": "other"})
    assert (unknown.value.code, unknown.value.facts["field"]) == ("template_unknown", "template")
    assert mail(tmp_path, **{**fields, "subject": "{{ name | upper }}!"}, values={"name": "Ann"})["Subject"] == "ANN!"
