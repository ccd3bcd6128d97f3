"""The mailbox as people read it: search, looks, attachments, clear; and whatever bytes a mail has, it is shown."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import hypothesis
import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies as st

from ses_ops.stack.mailbox.reading import search_words
from ses_ops.stack.mailbox.store import MessageStore, MessageWriter
from ses_ops.stack.mailbox.web import VIEWS, mailbox_app
from tests.sizes import examples

Put = Callable[..., int]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> MessageStore:
    return MessageStore(tmp_path_factory.mktemp("mailbox"), search_words)


@pytest.fixture(scope="module")
def client(store: MessageStore) -> Iterator[TestClient]:
    with TestClient(mailbox_app(store), base_url="http://127.0.0.1", follow_redirects=False) as made:
        yield made


@pytest.fixture(scope="module")
def put(store: MessageStore) -> Put:
    """Stores a message as the SMTP server does; its id."""

    async def add(raw: bytes, sender: str, to: str) -> None:
        writer = MessageWriter(store)
        writing = asyncio.create_task(writer.run())
        await writer.add(sender, (to,), raw)
        writing.cancel()

    def put(raw: bytes | EmailMessage, *, sender: str = "a@mail.example", to: str = "b@x.example") -> int:
        asyncio.run(add(raw if isinstance(raw, bytes) else raw.as_bytes(), sender, to))
        return store.newest(limit=1)[0].id

    return put


def _mail(subject: str = "Hi", html: str = "<p>Hello</p>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Näme <a@mail.example>", "b@x.example", subject
    message["List-Unsubscribe"] = "<https://shop.example/u?1>"
    message.set_content("Hello in text")
    message.add_alternative(html, subtype="html")
    return message


def _ids(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/messages/(\d+)', page)]


def test_a_message_has_five_looks_and_begins_with_the_html(client: TestClient, put: Put) -> None:
    number = put(_mail(html="<p>Hello <b>Änne</b></p>"))
    page = client.get(f"/messages/{number}").text
    assert [view for view in VIEWS if f"view={view}" in page] == list(VIEWS)
    assert f'src="/messages/{number}/html"' in page
    shown = {view: client.get(f"/messages/{number}?view={view}").text for view in VIEWS}
    assert "Hello in text" in shown["text"]
    assert "&lt;b&gt;Änne&lt;/b&gt;" in shown["code"]
    assert "https://shop.example/u?1" in shown["headers"]
    assert "Subject: Hi" in shown["source"]
    assert "multipart/alternative" in shown["source"]


def test_a_message_of_text_alone_begins_with_the_text(client: TestClient, put: Put) -> None:
    number = put(b"Subject: plain\r\n\r\njust text\r\n")
    page = client.get(f"/messages/{number}").text
    assert "just text" in page
    assert "<iframe" not in page
    assert "view=html" not in page


def test_attachments_are_downloads_whatever_they_call_themselves(client: TestClient, put: Put) -> None:
    message = _mail("with files")
    message.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename='ä"\r\n;x.html')
    message.add_attachment(b"\x00\xff", maintype="image", subtype="png")
    number = put(message)
    assert "part-2" in client.get(f"/messages/{number}").text
    answer = client.get(f"/messages/{number}/attachments/0")
    assert answer.content.strip() == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%A4")
    assert client.get(f"/messages/{number}/attachments/1").content == b"\x00\xff"
    assert client.get(f"/messages/{number}/attachments/2").status_code == 404
    assert client.get(f"/messages/{number}/download").content == message.as_bytes()
    listed = client.get(f"/api/messages/{number}").json()["attachments"]
    assert [each["media_type"] for each in listed] == ["text/html", "image/png"]


@pytest.mark.parametrize("words", ["frühling", "FRÜHLING", "rabatt ✓", "näme", "a@MAIL", "who@where.example"])
def test_the_search_looks_at_subject_sender_and_recipient(client: TestClient, put: Put, words: str) -> None:
    number = put(_mail("Ein langer Betreff über den Frühling mit Rabatt ✓ " + "und mehr " * 9), to="who@where.example")
    other = put(b"Subject: other\r\nFrom: c@d.example\r\n\r\nx", sender="c@d.example", to="e@f.example")
    found = _ids(client.get("/", params={"q": words}).text)
    assert number in found
    assert other not in found
    assert number in [one["id"] for one in client.get("/api/messages", params={"q": words}).json()["messages"]]
    assert _ids(client.get("/", params={"q": words + "%"}).text) == []


def test_the_way_through_a_search_stays_in_it(client: TestClient, put: Put) -> None:
    first, _, last = (put(_mail(subject)) for subject in ("walk 1", "between", "walk 2"))
    page = client.get(f"/messages/{first}?q=walk&view=text").text
    assert f'href="/messages/{last}?q=walk&amp;view=text"' in page
    assert 'href="/?q=walk"' in page


def test_clear_asks_and_deletes_what_was_there_when_it_asked(client: TestClient, store: MessageStore, put: Put) -> None:
    number = put(_mail("clear me"))
    kept = put(_mail("keep me"))
    question = client.get("/clear?q=clear me").text
    assert "Delete 1 message with “clear me”?" in question
    action = re.search(r'action="(/clear[^"]*)"', question)
    assert action is not None
    late = put(_mail("clear me, too"))
    assert client.get(action[1].replace("&amp;", "&")).status_code == 200, "GET must only ask"
    assert client.post(action[1].replace("&amp;", "&")).status_code == 303
    assert store.get(number) is None
    assert store.get(kept) is not None
    assert store.get(late) is not None
    assert client.post(f"/messages/{kept}/delete").status_code == 303
    assert client.get(f"/messages/{kept}").status_code == 404
    client.delete("/api/messages")
    assert store.count() == 0
    assert "No mail yet" in client.get("/").text
    assert put(_mail("after")) > late, "an old link would show another message"


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}], ids=str
)
def test_another_sites_page_cannot_delete(client: TestClient, put: Put, headers: dict[str, str]) -> None:
    number = put(_mail("precious"))
    for method, path in (("POST", f"/clear?through={number}"), ("POST", f"/messages/{number}/delete")):
        assert client.request(method, path, headers=headers).status_code == 403
    assert client.delete("/api/messages", headers=headers).status_code == 403
    assert client.get(f"/messages/{number}").status_code == 200


def test_mail_that_an_older_version_stored_is_found(tmp_path: Path) -> None:
    old = MessageStore(tmp_path, search_words)
    with old.connection() as db:
        db.execute("INSERT INTO message VALUES (1, 0, 'a@x.example', ?)", (_mail("Früher").as_bytes(),))
    assert [one.id for one in MessageStore(tmp_path, search_words).newest(words="früher")] == [1]


# --- any byte sequence

#: Headers that made the library raise, or are nearly right.
NASTY = [
    b"Message-ID: <[>",
    b'From: "',
    b"From: <",
    b"From: @",
    b"From: a@[",
    b'To: "a" <b@[IPv6:',
    b"To: a: b@c.example; d: ;,,",
    b"To: =?utf-8?q?=22?= <a@b.example>, =?utf-8?b?//8=?=",
    b"Subject: =?no-such?Q?x?=",
    b"Subject: =?utf-8?B?w?=",
    b"Subject: =?utf-7?Q?+2AA-?=",
    b"Subject: \xff\xfe\x00\x80",
    b"Subject: \xed\xa0\x80",
    b"Date: 99999999999999999999",
    b"Date: Thu, 32 Foo 99999 99:99:99 +99999999999",
    b"Content-Type: text/plain; charset=no-such",
    b"Content-Type: text/plain; charset=hex",
    b"Content-Type: text/plain; charset*0*=x''%; charset*=''",
    b"Content-Type: text/html; charset=utf-16",
    b"Content-Type: ;",
    b"Content-Type: multipart/mixed",
    b"Content-Type: multipart/mixed; boundary=",
    b'Content-Type: multipart/mixed; boundary="x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n--x--',
    b"Content-Type: message/rfc822",
    b"Content-Type: message/delivery-status",
    b"Content-Type: application/x; name*1*=a; name*3=b\r\nContent-Disposition: attachment; filename*99999999999=x",
    b"Content-Disposition: attachment; filename=\xff\xfe",
    b"Content-Transfer-Encoding: base64\r\n\r\n====",
    b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644\r\n!",
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=",
    b"MIME-Version: (((",
    b": no name",
    b" begins with a blank",
    b"\x00\x01\x02",
    b"",
    b"\r",
    b"\n",
]


def _all_pages(client: TestClient, number: int) -> None:
    for path in ("/", "/rows", "/api/messages", f"/api/messages/{number}", *_looks(client, number)):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text[-500:])


def _looks(client: TestClient, number: int) -> list[str]:
    here = f"/messages/{number}"
    attachments = client.get(f"/api/messages/{number}").json()["attachments"]
    files = [f"{here}/attachments/{index}" for index in range(len(attachments))]
    return [here, f"{here}/html", f"{here}/raw", f"{here}/download", *(f"{here}?view={view}" for view in VIEWS), *files]


@pytest.mark.parametrize("index", range(len(NASTY)))
def test_a_nasty_header_is_shown(client: TestClient, put: Put, index: int) -> None:
    number = put(NASTY[index] + b"\r\nX-After: kept\r\n\r\nthe body\r\n")
    _all_pages(client, number)
    assert "the body" in client.get(f"/messages/{number}/raw").text
    assert "kept" in client.get(f"/messages/{number}?view=source").text


@hypothesis.settings(max_examples=examples(60), suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    lines=st.lists(
        st.one_of(st.sampled_from(NASTY), st.binary(max_size=60), st.text(max_size=30).map(lambda text: text.encode())),
        max_size=8,
    ),
    body=st.binary(max_size=200),
)
def test_any_bytes_are_shown(client: TestClient, put: Put, lines: list[bytes], body: bytes) -> None:
    _all_pages(client, put(b"\r\n".join([*lines, b"", body])))


@hypothesis.settings(max_examples=examples(60), suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.sampled_from(["From", "To", "Subject", "Message-ID", "Date", "Content-Type"]), st.data())
def test_any_value_of_a_header_is_shown(client: TestClient, put: Put, name: str, data: st.DataObject) -> None:
    characters = st.text(alphabet='<>[]"\\(),;:@=?*.-a1é \t', max_size=40)
    value = data.draw(characters)
    _all_pages(client, put(f"{name}: {value}\r\n\r\nx".encode()))


#: Messages whose parts or headers cost the library more than their length, of some megabytes each.
COSTLY = {
    "comments": b"From: " + b"(" * 1_000_000 + b"\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 15_000 + b"\n\nx",
    "addresses": b"To: " + b"a@b.example, " * 19_000 + b"\n\nx",
    "headers": b"a: b\n" * 1_000_000 + b"\nx",
    "parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 500_000,
    "nested parts": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000)),
    "nested messages": b"Content-Type: message/rfc822\n\n" * 5_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"abc-9z" * 500_000,
    "parameters": b"Content-Type: text/plain" + b"; a*0=b" * 20_000 + b"\n\nx",
}


@pytest.mark.parametrize("kind", sorted(COSTLY))
def test_a_costly_message_is_shown_soon(client: TestClient, put: Put, kind: str) -> None:
    number = put(COSTLY[kind])
    began = time.process_time()
    _all_pages(client, number)
    assert time.process_time() - began < 60, "quadratic work: minutes of CPU, or gigabytes"
