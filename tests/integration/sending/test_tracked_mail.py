"""Tracked mail as a server gets it: each link leads to its target, each token to its message."""

from __future__ import annotations

import re
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from html.parser import HTMLParser

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.application.token_rotation import rotate_token_secret
from ses_ops.domain.message_event import MessageKey
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.events.link_tokens import LinkReader
from ses_ops.events.tokens import Purpose, TokenReader
from ses_ops.storage.connection import transaction
from ses_ops.storage.events.token_secrets import token_secrets
from ses_ops.storage.quota import sender_domains
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN, World
from tests.integration.smtp_servers.script import Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.servers.mail_server import free_port

PUBLIC = "https://mail.example.com"
BOTH = "opens: true, clicks: true"
#: Addresses that must arrive byte for byte, and are links.
TARGETS = [
    "https://shop.example/?a=1&b=2&amp;c=3",
    "https://shop.example/%E4%BD%A0%20%2B?q=a+b;c&empty=&x",
    "https://bücher.example/ü#part?x",
    "https://bucket.s3.amazonaws.com/k?X-Amz-Credential=A%2F2026&X-Amz-Signature=a%2Bb%3D",
    "http://shop.example:8080/~ann/(x)'!*\"",
    *(f"https://shop.example/{number}/" + "x" * number for number in range(300)),
]
#: Addresses that stay as they are.
KEPT = [
    "mailto:a@shop.example?a&b",
    "tel:+8131234",
    "#x",
    "/relative",
    "javascript:x()",
    "https://x.example/" + "y" * 8_000,
]


class Page(HTMLParser):
    """Links and pictures of a page, by the parser of the standard library."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag == "img":
            self.pictures.append(dict(attrs))


@pytest.fixture(autouse=True)
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_PUBLIC_URL", PUBLIC)


@pytest.fixture
def links(world: World) -> None:
    folder = world.templates / "links"
    folder.mkdir()
    (folder / "subject.txt").write_text("Hello {{ name }}")
    written = "\n".join(f'<li><a href="{escape(one)}">{{{{ name }}}}</a>' for one in (*TARGETS, *KEPT))
    (folder / "body.html").write_text(
        f"<!doctype html><html><head><title>x</title></head><body><ul>{written}</ul></body></html>", encoding="utf-8"
    )
    (folder / "body.txt").write_text("Dear {{ name }}, see https://shop.example/1/x. Bye.")


def html_of(content: bytes) -> str:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("html",))
    return body.get_content() if body is not None else ""


def text_of(content: bytes) -> str:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    return body.get_content()


def secrets(world: World) -> list[bytes]:
    with transaction(world.conn):
        return token_secrets(world.conn)


def recipient(world: World, token: str, purpose: Purpose) -> str:
    """The address in the ledger that a token leads to."""
    found = TokenReader(secrets(world), purpose).read(token)
    assert found is not None, f"{token} is no token of {purpose}"
    key, extra = found
    assert isinstance(key, MessageKey)
    assert extra == 0
    rows = world.rows("SELECT address FROM message WHERE occurrence_id = %s AND seq = %s", key.occurrence_id, key.seq)
    return str(rows[0][0])


def opened(world: World, address: str, to: str) -> tuple[str, int]:
    """What a tracked address leads to, whose token is that of a recipient."""
    found = re.fullmatch(rf"{PUBLIC}/c/([0-9a-f]{{56}})/([A-Za-z0-9_-]+)", address)
    assert found, address
    assert recipient(world, found[1], Purpose.CLICK) == to
    read = LinkReader(secrets(world)).read(found[2])
    assert read is not None
    return read


@pytest.mark.usefixtures("links")
def test_every_link_of_delivered_mail_leads_byte_for_byte_where_it_led(world: World) -> None:
    world.group("customers", 3)
    world.task("sale", group="customers", template="links", track=BOTH)
    with ScriptedServer(Script()) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}"
        assert world.whole_run(world.run("sale"), chunk_size=2).sent == 3
        messages = list(server.messages)
    tokens = set()
    for message in messages:
        to = message.recipients[0]
        assert max(map(len, message.content.split(b"\r\n"))) <= 998
        page = Page(html_of(message.content))
        assert page.links[len(TARGETS) :] == KEPT
        places = []
        for address, target in zip(page.links, TARGETS, strict=False):
            found, place = opened(world, address, to)
            assert found.encode() == target.encode()
            places.append(place)
        assert places == [min(place, 255) for place in range(len(TARGETS))]
        (picture,) = page.pictures
        token = re.fullmatch(rf"{PUBLIC}/o/([0-9a-f]{{56}})\.gif", str(picture["src"]))
        assert token
        assert recipient(world, token[1], Purpose.OPEN) == to
        assert (picture["width"], picture["height"], picture["alt"]) == ("1", "1", "")
        assert "<body><img " in html_of(message.content)
        (shown,) = re.findall(r"see (\S+)\. Bye", text_of(message.content))
        assert opened(world, shown, to)[0] == "https://shop.example/1/x"
        assert to.partition("@")[0] not in html_of(message.content), "no address stands in the mail's links"
        tokens.add(token[1])
    assert len(tokens) == 3
    ((task_id,),) = world.rows("SELECT id FROM send_task WHERE name = 'sale'")
    kept = world.rows(
        "SELECT target FROM tracked_link WHERE task_id = %s AND target_hash = sha256(target::bytea)", task_id
    )
    assert sorted(target for (target,) in kept) == sorted(TARGETS), (
        "each link once, whatever number of chunks there are"
    )
    assert world.rows("SELECT DISTINCT opens_tracked, clicks_tracked FROM attempt") == [(True, True)]
    world.check_ledger()


def test_mail_is_not_tracked_unless_somebody_says_so(world: World, mail_server) -> None:
    world.group("customers", 1)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    assert PUBLIC not in html_of(mail_server.contents["customers-1@customers.example"])
    assert world.rows("SELECT DISTINCT opens_tracked, clicks_tracked FROM attempt") == [(False, False)]
    assert world.rows("SELECT count(*) FROM tracked_link") == [(0,)]


@pytest.mark.parametrize(
    ("domain", "track", "tracked"),
    [
        (None, None, (False, False)),
        ((True, True), None, (True, True)),
        ((True, False), None, (True, False)),
        ((True, True), "opens: false", (False, True)),
        ((False, False), "clicks: true", (False, True)),
        (None, "opens: true", (True, False)),
    ],
)
@pytest.mark.usefixtures("links")
def test_a_task_without_a_word_of_its_own_does_what_its_domain_says(
    world: World, mail_server, domain: tuple[bool, bool] | None, track: str | None, tracked: tuple[bool, bool]
) -> None:
    if domain is not None:
        world.execute(
            "INSERT INTO sender_domain (domain, track_opens, track_clicks) VALUES (%s, %s, %s)"
            " ON CONFLICT (domain) DO UPDATE"
            " SET track_opens = excluded.track_opens, track_clicks = excluded.track_clicks",
            DOMAIN,
            *domain,
        )
        with transaction(world.conn):
            assert sender_domains.tracking(world.conn, DOMAIN) == domain
    world.group("customers", 1)
    world.task("sale", group="customers", template="links", **({"track": track} if track else {}))
    world.whole_run(world.run("sale"))
    html = html_of(mail_server.contents["customers-1@customers.example"])
    assert (f"{PUBLIC}/o/" in html, f"{PUBLIC}/c/" in html) == tracked
    assert world.rows("SELECT opens_tracked, clicks_tracked FROM attempt") == [tracked]


def test_plain_text_and_mail_without_links_are_not_measured(world: World, mail_server) -> None:
    folder = world.templates / "plain"
    folder.mkdir()
    (folder / "subject.txt").write_text("x")
    (folder / "body.txt").write_text("Hello {{ name }}, call us.")
    world.group("customers", 1)
    world.task("sale", group="customers", template="plain", track=BOTH)
    world.whole_run(world.run("sale"))
    assert mail_server.contents
    assert world.rows("SELECT opens_tracked, clicks_tracked FROM attempt") == [(False, False)]


class RefusesOnce:
    """What aiosmtpd was given: it takes nothing at first."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        assert isinstance(envelope.content, bytes)
        self.pages.append(html_of(envelope.content))
        return "250 OK" if len(self.pages) > 1 else "450 4.2.0 greylisted, come again"


@pytest.mark.usefixtures("links")
def test_a_retry_has_the_same_tokens_and_links(world: World) -> None:
    world.group("customers", 1)
    world.task("sale", group="customers", template="links", track=BOTH)
    handler = RefusesOnce()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), ready_timeout=60)
    controller.start()
    world.smtp_uri = f"smtp://127.0.0.1:{controller.port}"
    try:
        world.whole_run(world.run("sale"))
        world.execute("UPDATE chunk SET due_at = now() WHERE pending > 0")
        world.whole_run(world.run("sale", RunKind.RESUME))
    finally:
        controller.stop()
    assert world.states() == {"sent": 1}
    first, second = handler.pages
    assert first == second
    assert f"{PUBLIC}/o/" in first


@pytest.mark.usefixtures("links")
def test_after_a_rotation_the_links_of_mail_that_left_still_lead_there(world: World, mail_server) -> None:
    world.group("customers", 1)
    world.task("sale", group="customers", template="links", track=BOTH)
    world.whole_run(world.run("sale"))
    rotate_token_secret(world.conn, ANYBODY)
    to = "customers-1@customers.example"
    page = Page(html_of(mail_server.contents[to]))
    assert opened(world, page.links[0], to) == (TARGETS[0], 0)
    assert LinkReader(secrets(world)[:1]).read(page.links[0].rpartition("/")[2]) is None


@pytest.mark.usefixtures("links")
def test_a_changed_task_keeps_the_links_of_all_its_editions(world: World, mail_server) -> None:
    world.group("customers", 2)
    world.task("sale", group="customers", template="links", track="clicks: true")
    run = world.run("sale")
    world.freeze(run)
    first, second = world.reserve(run, chunk_size=1).chunk_ids
    world.send(first, run)
    (world.templates / "links" / "body.html").write_text('<a href="https://other.example/">x</a>')
    world.send(second, run)
    assert len(mail_server.contents) == 2
    found = {target for (target,) in world.rows("SELECT target FROM tracked_link")}
    assert found == {*TARGETS, "https://other.example/"}


def test_without_a_public_address_tracked_mail_is_refused_and_the_error_says_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SES_PUBLIC_URL")
    world.group("customers", 2)
    world.task("sale", group="customers", track="opens: true")
    with pytest.raises((InvalidInput, TemplateError), match="SES_PUBLIC_URL") as refused:
        world.freeze(world.run("sale"))
    assert refused.value.code == "tracking_without_public_url"
    assert world.states() == {}


@pytest.mark.usefixtures("links")
def test_a_test_send_is_tracked_as_the_mail_will_be(world: World, mail_server) -> None:
    order = TestSend(
        template="links",
        sender=f"news@{DOMAIN}",
        recipients=["me@example.com"],
        values={"name": "Ann"},
        track=BOTH,
    )
    report = test_send(
        world.dsn,
        order,
        run_id="run1",
        plans=QuotaPlans.parse(world.quota_variable),
        smtp=smtp_settings_from_connection_uri(world.smtp_uri),
        templates_root=world.templates,
        stop=threading.Event(),
    )
    assert report.sent == 1
    page = Page(html_of(mail_server.contents["me@example.com"]))
    assert opened(world, page.links[2], "me@example.com") == (TARGETS[2], 2)
    assert len(page.pictures) == 1
