"""An address that the server says does not exist goes on the suppression list; nobody else does."""

from __future__ import annotations

import pytest

from ses_ops.sending.hard_bounces import FEW
from ses_ops.transports.port import HardBounce
from ses_ops.transports.smtp_refusals import refusal
from tests.integration.sending_world import World
from tests.integration.smtp_servers.script import Act, Fault, Script, Step
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.recording_smtp import RecordingServer


def refusing(number: int, reply: str, step: Step = "rcpt") -> Fault:
    recipient = f"customers-{number}@customers.example" if step != "mail" else None
    return Fault(step, Act("refuse", f"{reply}\r\n".encode()), recipient=recipient, at=1 if recipient else number)


def listed(world: World) -> list[tuple[str, str, str]]:
    return world.rows("SELECT address, reason, note FROM suppression ORDER BY address")


def test_an_address_that_does_not_exist_is_suppressed_with_the_servers_words_before_the_next_mailing(
    world: World,
) -> None:
    faults = (
        refusing(3, "550 5.1.1 no such user"),
        refusing(4, "550-5.1.2 no such\r\n550 5.1.2 domain"),
        refusing(5, "550 5.1.0 rejected"),
        refusing(6, "550 5.7.1 blocked"),
        refusing(7, "550 5.1.1 no such user", "final"),
        refusing(8, "450 4.1.1 try later"),
        refusing(9, "550 no such user"),
    )
    world.group("customers", 50)
    world.task("hello", group="customers")
    with ScriptedServer(Script(faults=faults)) as server:
        world.smtp_uri = f"smtp://127.0.0.1:{server.port}"
        settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.failed) == (44, 6)
    assert listed(world) == [
        ("customers-3@customers.example", "hard_bounce", "550 5.1.1 no such user (send task hello)"),
        ("customers-4@customers.example", "hard_bounce", "550 5.1.2 no such 5.1.2 domain (send task hello)"),
    ]
    world.task("again", group="customers")
    world.freeze(world.run("again"))
    assert world.overview("again").suppressed_count == 2
    world.check_ledger()


def test_it_can_be_turned_off(world: World, mail_server: RecordingServer) -> None:
    mail_server.refuse = lambda recipient: b"550 5.1.1 no" if recipient.startswith("customers-3@") else None
    world.smtp_uri += "?suppress_hard_bounces=false"
    world.group("customers", 10)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 1
    assert listed(world) == []


def test_a_server_to_which_nobody_exists_is_not_believed(world: World, mail_server: RecordingServer) -> None:
    mail_server.refuse = lambda recipient: b"550 5.1.1 User unknown in local recipient table"
    world.group("customers", 500)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 500
    assert len(listed(world)) <= FEW


@pytest.mark.parametrize("first", [True, False], ids=["at the beginning", "all over the list"])
def test_many_are_believed_if_most_of_the_mail_is_accepted(
    world: World, mail_server: RecordingServer, first: bool
) -> None:
    unknown = {f"customers-{n if first else 5 * n}@customers.example" for n in range(1, 51)}
    mail_server.refuse = lambda recipient: b"550 5.1.1 no" if recipient in unknown else None
    world.group("customers", 260)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 50
    assert {address for address, _, _ in listed(world)} == unknown


def test_an_entry_of_a_person_that_never_ends_is_left_as_it_is(world: World, mail_server: RecordingServer) -> None:
    world.group("customers", 3)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    insert = (
        "INSERT INTO suppression (address_key, address, reason, note, expires_at)"
        " SELECT address_key, address, 'complaint', 'by hand', %s FROM message WHERE seq = %s"
    )
    world.execute(insert, "2020-01-01", 1)
    (chunk_id,) = world.reserve(run).chunk_ids

    def refuse(recipient: str) -> bytes:
        if recipient.startswith("customers-2@"):
            world_too.execute(insert, None, 2)
        return b"550 5.1.1 no"

    mail_server.refuse, world_too = refuse, World(dsn=world.dsn, templates=world.templates)
    world.send(chunk_id, run)
    world_too.close()
    assert [(reason, note) for _, reason, note in listed(world)] == [
        ("hard_bounce", "550 5.1.1 no (send task hello)"),
        ("complaint", "by hand"),
        ("hard_bounce", "550 5.1.1 no (send task hello)"),
    ]
    assert world.rows("SELECT count(*) FROM suppression WHERE expires_at IS NOT NULL") == [(0,)]


@pytest.mark.parametrize(
    ("code", "text", "of_recipient", "hard"),
    [
        (550, "5.1.1 no such user", True, True),
        (550, "5.1.10 no such address", True, True),
        (550, "5.1.6 has moved", True, True),
        (550, "5.1.1 no such user", False, False),
        (550, "5.1.0 rejected", True, False),
        (550, "5.1.100 what", True, False),
        (551, "5.1.6 has moved", True, False),
        (450, "4.1.1 later", True, False),
    ],
)
def test_what_is_a_hard_bounce(code: int, text: str, of_recipient: bool, hard: bool) -> None:
    assert isinstance(refusal(code, text, of_recipient=of_recipient), HardBounce) is hard
