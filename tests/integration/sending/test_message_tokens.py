"""Tokens in mail that leaves: each message's own envelope sender and unsubscribe link lead back to its row."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from ses_ops.application.group_import import import_group
from ses_ops.application.test_sends import TestSend, test_send
from ses_ops.application.token_rotation import rotate_token_secret
from ses_ops.domain.message_event import MessageKey
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.unsubscribe_language import LANGUAGES, UnsubscribeLanguage
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.events.tokens import Purpose, TokenReader, address_check
from ses_ops.storage.connection import transaction
from ses_ops.storage.events.token_secrets import token_secrets
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri
from tests.actors import ANYBODY
from tests.integration.sending_world import DOMAIN, World
from tests.integration.smtp_servers.script import Act, Fault, Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.servers.mail_server import free_port

PAGE = "https://mail.example.com/u/"
BOUNCES = "bounces.example.com"
GERMAN = LANGUAGES.index(UnsubscribeLanguage.GERMAN)
_SENDER = re.compile(rf"b-([0-9a-f]{{56}})@{re.escape(BOUNCES)}")
_LIST_UNSUBSCRIBE = re.compile(
    rf"<{PAGE}([0-9a-f]{{56}})>, <mailto:u-([0-9a-f]{{56}})@{re.escape(BOUNCES)}\?subject=unsubscribe>"
)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com/")


@pytest.fixture
def bounce_domain(world: World) -> None:
    world.execute(
        "INSERT INTO sender_domain (domain, bounce_domain) VALUES (%s, %s)"
        " ON CONFLICT (domain) DO UPDATE SET bounce_domain = excluded.bounce_domain",
        DOMAIN,
        BOUNCES,
    )


def secrets(world: World) -> list[bytes]:
    with transaction(world.conn):
        return token_secrets(world.conn)


def opened(world: World, token: str, purpose: Purpose) -> tuple[str, int]:
    """The address in the ledger that a token leads to, and the extra byte."""
    found = TokenReader(secrets(world), purpose).read(token)
    assert found is not None, f"{token} is no token of {purpose}"
    key, extra = found
    assert isinstance(key, MessageKey)
    ((address, address_key),) = world.rows(
        "SELECT address, address_key FROM message WHERE occurrence_id = %s AND seq = %s", key.occurrence_id, key.seq
    )
    assert key.address_check == address_check(address_key)
    return address, extra


def check(world: World, *, sender: str, recipient: str, content: bytes) -> None:
    """The tokens of a message that arrived lead to its recipient."""
    found = _SENDER.fullmatch(sender)
    assert found, sender
    assert len(sender.partition("@")[0]) <= 64
    assert opened(world, found[1], Purpose.BOUNCE) == (recipient, 0)
    message = message_from_bytes(content, policy=default)
    links = _LIST_UNSUBSCRIBE.fullmatch(str(message["List-Unsubscribe"]))
    assert links, message["List-Unsubscribe"]
    assert links[1] == links[2] != found[1]
    assert opened(world, links[1], Purpose.UNSUBSCRIBE) == (recipient, GERMAN)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for part in message.iter_parts():
        assert part.get_content().count(PAGE + links[1]) == 1  # type: ignore[attr-defined]


class Kept:
    """What aiosmtpd took: (envelope sender, recipient, content)."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


@pytest.fixture
def aiosmtpd() -> Iterator[tuple[Kept, str]]:
    kept = Kept()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True, ready_timeout=60)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.mark.usefixtures("page", "bounce_domain")
def test_a_real_server_gets_a_sender_of_each_message(world: World, aiosmtpd: tuple[Kept, str]) -> None:
    kept, world.smtp_uri = aiosmtpd
    odd = ["Ann.Big@Customers.example", "zoë@customers.example", '"a b"@customers.example', "用户@xn--r8jz45g.jp"]
    rows = "".join(f'"{address.replace(chr(34), chr(34) * 2)}",Ann\n' for address in odd)
    import_group(world.conn, "customers", [b"email,name\n" + rows.encode()], where="f.csv", report=[].append)
    world.task("hello", group="customers", unsubscribe="de")
    assert world.whole_run(world.run("hello")).sent == len(odd)
    assert len({sender for sender, _, _ in kept.taken}) == len(odd)
    for sender, recipient, content in kept.taken:
        check(world, sender=sender, recipient=recipient, content=content)


@pytest.mark.parametrize("pipelining", ["none", "group", "across"])
@pytest.mark.usefixtures("page", "bounce_domain")
def test_each_message_has_its_sender_however_much_is_written_ahead(world: World, pipelining: str) -> None:
    world.group("customers", 60)
    world.task("hello", group="customers", unsubscribe="de")
    with ScriptedServer(Script(pipelining=pipelining != "none")) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}?pipelining={pipelining}&connections=2"
        assert world.whole_run(world.run("hello")).sent == 60
        messages = list(server.messages)
    for message in messages:
        check(world, sender=message.sender, recipient=message.recipients[0], content=message.content)


@pytest.mark.usefixtures("page", "bounce_domain")
def test_a_retry_has_the_same_sender_and_the_same_link(world: World) -> None:
    world.group("customers", 3)
    world.task("hello", group="customers", unsubscribe="de")
    greylisted = Act("greylisted", b"450 4.2.0 greylisted, come again\r\n")
    with ScriptedServer(Script(faults=(Fault("rcpt", greylisted, times=None),))) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}?connections=1"
        world.whole_run(world.run("hello"))
        first = senders(server)
    assert world.states() == {"requeued": 3}
    world.execute("UPDATE chunk SET due_at = now() WHERE pending > 0")
    with ScriptedServer(Script()) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}?connections=1"
        assert world.whole_run(world.run("hello", RunKind.RESUME)).sent == 3
        assert senders(server) == first
        for message in server.messages:
            check(world, sender=message.sender, recipient=message.recipients[0], content=message.content)
    assert len(set(first.values())) == 3


def senders(server: ScriptedServer) -> dict[str, str]:
    """The envelope sender that the server was given with each recipient."""
    commands = "\n".join(server.commands)
    found = {kind: re.findall(rf"{kind}:<([^>]*)>", commands) for kind in ("FROM", "TO")}
    assert len(found["TO"]) == len(found["FROM"])
    return dict(zip(found["TO"], found["FROM"], strict=True))


def test_without_domain_and_page_mail_is_as_before(world: World) -> None:
    world.group("customers", 3)
    world.task("hello", group="customers")
    with ScriptedServer(Script()) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}"
        world.whole_run(world.run("hello"))
        messages = list(server.messages)
    assert {message.sender for message in messages} == {f"news@{DOMAIN}"}
    assert not any(b"List-Unsubscribe" in message.content for message in messages)


@pytest.mark.usefixtures("page")
def test_without_a_bounce_domain_the_link_is_the_page_alone(world: World) -> None:
    world.group("customers", 2)
    world.task("hello", group="customers", unsubscribe="en")
    with ScriptedServer(Script()) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}"
        world.whole_run(world.run("hello"))
        messages = list(server.messages)
    assert {message.sender for message in messages} == {f"news@{DOMAIN}"}
    for message in messages:
        assert re.search(rb"\r\nList-Unsubscribe: <" + PAGE.encode() + rb"[0-9a-f]{56}>\r\n", message.content)
        assert b"mailto:" not in message.content


def test_without_a_public_address_nothing_is_frozen_and_the_error_says_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SES_PUBLIC_URL", raising=False)
    world.group("customers", 2)
    world.task("hello", group="customers", unsubscribe="en")
    with pytest.raises((InvalidInput, TemplateError), match="SES_PUBLIC_URL") as refused:
        world.freeze(world.run("hello"))
    assert refused.value.code == "public_url_missing"
    assert world.states() == {}


@pytest.mark.usefixtures("page", "bounce_domain")
def test_after_a_rotation_the_mail_that_left_is_still_known(world: World, mail_server) -> None:
    tokens = []
    for start in range(2):
        world.group(f"customers{start}", 1)
        world.task(f"hello{start}", group=f"customers{start}", unsubscribe="de")
        world.whole_run(world.run(f"hello{start}"))
        content = mail_server.contents[f"customers{start}-1@customers.example"]
        links = _LIST_UNSUBSCRIBE.fullmatch(str(message_from_bytes(content, policy=default)["List-Unsubscribe"]))
        assert links
        tokens.append(links[1])
        if start == 0:
            rotate_token_secret(world.conn, ANYBODY)
    assert [opened(world, token, Purpose.UNSUBSCRIBE)[0] for token in tokens] == [
        "customers0-1@customers.example",
        "customers1-1@customers.example",
    ]
    newest = TokenReader(secrets(world)[:1], Purpose.UNSUBSCRIBE)
    assert [newest.read(token) is None for token in tokens] == [True, False]


@pytest.mark.usefixtures("page", "bounce_domain")
def test_the_link_of_a_test_send_works_too(world: World, mail_server) -> None:
    order = TestSend(
        template="hello",
        sender=f"news@{DOMAIN}",
        recipients=["me@example.com"],
        values={"name": "Ann"},
        unsubscribe="de",
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
    content = mail_server.contents["me@example.com"]
    links = _LIST_UNSUBSCRIBE.fullmatch(str(message_from_bytes(content, policy=default)["List-Unsubscribe"]))
    assert links
    assert opened(world, links[1], Purpose.UNSUBSCRIBE) == ("me@example.com", GERMAN)
