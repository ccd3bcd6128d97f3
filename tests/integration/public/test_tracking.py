"""Tracked links and the pixel, at a real listener: where a click leads, what is an event, and what is not."""

from __future__ import annotations

import socket
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import httpx
import pytest

from ses_ops.events.link_tokens import LinkMaker
from ses_ops.events.tokens import Purpose
from ses_ops.public.tracking import PIXEL
from ses_ops.storage.events.token_secrets import token_secrets
from tests.integration.public.conftest import Recipients

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@dataclass
class Reader:
    """A recipient with a browser."""

    recipients: Recipients

    def link(self, target: str, place: int = 0) -> str:
        secret = token_secrets(self.recipients.mailing.world.conn)[0]
        self.recipients.mailing.world.conn.rollback()
        return LinkMaker(secret).make(target, place)

    def path(self, target: str, seq: int = 1, place: int = 0) -> str:
        return f"/c/{self.recipients.token(seq, purpose=Purpose.CLICK)}/{self.link(target, place)}"

    def pixel(self, seq: int = 1) -> str:
        return f"/o/{self.recipients.token(seq, purpose=Purpose.OPEN)}.gif"

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        return self.recipients.client.request(method, path, headers={**BROWSER, **headers}, follow_redirects=False)

    def events(self) -> list[tuple[int, str, str | None, int | None]]:
        """(number of the message, kind, target, place), once all that was answered is recorded."""
        self.recipients.wait()
        return self.recipients.mailing.world.rows(
            "SELECT e.seq, e.kind::text, l.target, e.place FROM engagement e"
            " LEFT JOIN tracked_link l ON l.id = e.link_id WHERE e.occurrence_id = %s"
            " ORDER BY e.happened_at, e.event_key",
            self.recipients.mailing.occurrence_id,
        )


@pytest.fixture
def reader(recipients) -> Reader:
    return Reader(recipients=recipients)


TARGETS = [
    "https://shop.example/",
    "https://shop.example",
    "http://shop.example:8080/a/b?x=1&y=2;z&empty=&plus=a+b#part-2",
    "https://shop.example/?next=https%3A%2F%2Fother.example%2F%3Fq%3D1%2526&sig=abc%2Fdef%2B==",
    "https://s3.example/key%20with%20space?X-Amz-Signature=0f%2F%2B&X-Amz-Date=20261129T000000Z",
    "HTTPS://User:pw@Shop.Example/~%7e/..//./a;p=1,2?'\"<>[]{}|^`\\#!/route?x",
    "https://shop.example/?" + "q" * 1_400,
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_click_leads_to_the_target_byte_for_byte(reader, target):
    answer = reader.get(reader.path(target, place=7))
    assert answer.status_code == 302
    assert answer.headers["location"] == target
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert reader.events() == [(1, "clicked", target, 7)]


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (
            "https://shop.example/caf\u00e9?q=\u65e5\u672c#\u00fc",
            "https://shop.example/caf%C3%A9?q=%E6%97%A5%E6%9C%AC#%C3%BC",
        ),
        ("https://b\u00fccher.example:8443/a b", "https://xn--bcher-kva.example:8443/a%20b"),
        (
            "https://\u4f8b\u3048.jp/?already=%E3%81%82&new=\u3042",
            "https://xn--r8jz45g.jp/?already=%E3%81%82&new=%E3%81%82",
        ),
        ("https://shop.example/\u2028\u0085", "https://shop.example/%E2%80%A8%C2%85"),
    ],
)
def test_other_characters_are_encoded_and_the_rest_stays(reader, target, location):
    assert reader.get(reader.path(target)).headers["location"] == location
    assert reader.events()[0][2] == target


def test_a_damaged_way_to_the_link_is_tolerated(reader):
    target = "https://shop.example/a?b=c"
    path = reader.path(target)
    token, link = path.split("/")[2:]
    for damaged in (
        path + "=",
        path + "=3D",
        path + "%3D",
        path + "/",
        path + ">",
        path + "?utm_source=x&b=d",
        path + "&amp;utm_source=x",
        f"/c/{token.upper()}/{link}",
        f"/c/{token}/{link[:60]}=%0D%0A{link[60:]}",
    ):
        answer = reader.get(damaged)
        assert (answer.status_code, answer.headers.get("location")) == (302, target), damaged


def test_every_altered_byte_is_the_same_page(reader, listener):
    """Each byte of token and link, changed, left out, doubled; each from another client, or the rate would answer."""
    path = reader.path("https://shop.example/")
    prefix, rest = path[:3], path[3:]
    changed = []
    for n, character in enumerate(rest):
        others = "ZY" if n > rest.index("/") else "Z0123456789abcdef"
        other = next(one for one in reversed(others) if one != character)
        changed += [f"{prefix}{rest[:n]}{other}{rest[n + 1 :]}", f"{prefix}{rest[:n]}Z{rest[n + 1 :]}"]
    changed += [f"{prefix}{rest[:n]}{rest[n + 1 :]}" for n in range(len(rest))]
    changed += [f"{prefix}{rest[:n]}{rest[n]}{rest[n:]}" for n in range(len(rest))]
    changed += [f"{prefix}{rest[:n]}" for n in range(len(rest))]
    pages = set()
    for number, one in enumerate(changed):
        answer = reader.get(one, **{"X-Forwarded-For": f"10.1.{number // 250}.{number % 250}"})
        if answer.status_code == 302:
            # What follows the link is noise; a digit of hexadecimal in the other case is the same token.
            assert answer.headers["location"] == "https://shop.example/"
            assert one.startswith(path), one
            continue
        pages.add((answer.status_code, answer.text))
    assert len(pages) == 1
    ((status, text),) = pages
    assert status == 404
    assert text == reader.get("/c/x/y", **{"X-Forwarded-For": "10.2.0.1"}).text


def test_no_address_leads_elsewhere(reader):
    token = reader.recipients.token(1, purpose=Purpose.CLICK)
    signed = urlsafe_b64decode(reader.link("https://shop.example/") + "==")
    for number, target in enumerate(
        [
            "javascript:alert(1)",
            "//evil.example/",
            "https://evil.example/",
            "data:text/html,x",
            "https://evil.example\r\nSet-Cookie: a=b",
            "https:evil.example",
            "x" * 8_000,
        ]
    ):
        forged = urlsafe_b64encode(signed[:13] + target.encode()).rstrip(b"=").decode()
        client = {"X-Forwarded-For": f"10.3.0.{number}"}
        for path in (f"/c/{token}/{forged}", f"/c/{token}/{target}", f"/c/{token}/?url={target}"):
            answer = reader.get(path.replace("\r", "%0D").replace("\n", "%0A"), **client)
            assert answer.status_code == 404, path
            assert "location" not in answer.headers
            assert "set-cookie" not in answer.headers
    # Tokens of other purposes are no tokens of clicks.
    for purpose in (Purpose.OPEN, Purpose.UNSUBSCRIBE, Purpose.EVENT):
        other = reader.recipients.token(1, purpose=purpose)
        assert reader.get(f"/c/{other}/{reader.link('https://shop.example/')}").status_code == 404
    assert reader.events() == []


def test_the_pixel_is_the_same_for_every_token(reader):
    answers = [reader.get(path) for path in (reader.pixel(), "/o/" + "0" * 56 + ".gif", "/o/x", reader.pixel() + "=3D")]
    for answer in answers:
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PIXEL, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
        assert set(answer.headers) == set(answers[0].headers)
    assert reader.events() == [(1, "opened", None, None)] * 2


def test_what_no_person_asked_for_is_answered_and_is_no_event(reader):
    path, pixel = reader.path("https://shop.example/"), reader.pixel()
    for ahead in (
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ):
        assert reader.get(path, **ahead).headers["location"] == "https://shop.example/"
        assert reader.get(pixel, **ahead).content == PIXEL
    assert reader.get(path, "HEAD").headers["location"] == "https://shop.example/"
    assert reader.get(pixel, "HEAD").status_code == 200
    assert reader.get(path, "OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    assert reader.get(pixel, "OPTIONS").status_code == 204
    assert reader.get(path, "POST").status_code == 405
    assert reader.events() == []


def test_the_client_is_the_one_that_the_proxy_names(reader):
    reader.get(reader.path("https://shop.example/"), **{"X-Forwarded-For": "2001:db8::17", "User-Agent": "B" * 2_000})
    assert reader.events()
    assert reader.recipients.mailing.world.rows(
        "SELECT host(ip), length(user_agent) FROM engagement WHERE occurrence_id = %s",
        reader.recipients.mailing.occurrence_id,
    ) == [("2001:db8::17", 500)]


def test_one_token_makes_no_more_than_sixty_events_an_hour(reader):
    for _ in range(70):
        assert reader.get(reader.pixel()).status_code == 200
    assert len(reader.events()) == 60


def test_a_request_as_no_client_writes_it_is_answered(reader, listener):
    """Octets that are no UTF-8 in the path, and a header field with them."""
    path = reader.path("https://shop.example/").encode()
    for line, status in ((path + b"\xff\xfe", b"302"), (b"/c/\xff/\xfe", b"404"), (b"/o/\xff.gif", b"200")):
        with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as link:
            link.sendall(
                b"GET " + line + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: \xe9\xff\x80\r\nConnection: close\r\n\r\n"
            )
            answer = link.makefile("rb").read()
        assert answer.startswith((b"HTTP/1.1 " + status, b"HTTP/1.1 400")), answer
