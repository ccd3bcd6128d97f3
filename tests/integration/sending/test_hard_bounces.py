"""An address that the server says does not exist goes on the suppression list; nobody else does."""

from __future__ import annotations

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import TooManyUnknownUsers
from ses_ops.transports.errors import MailRefused
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
        refusing(10, "524 5.2.4 Mailing list expansion problem: <customers-10@customers.example>"),
        refusing(11, "550 Mailbox does not exist"),
        refusing(12, "550 User <customers-12@customers.example> unknown"),
        refusing(13, "550 I cannot deliver mail for <customers-13@customers.example>"),
        refusing(14, "550 Invalid recipient: <customers-14@customers.example>"),
        refusing(15, "552 5.2.2 mailbox full"),
    )
    world.group("customers", 50)
    world.task("hello", group="customers")
    with ScriptedServer(Script(faults=faults)) as server:
        world.smtp_uri = f"smtp://127.0.0.1:{server.port}"
        settlement = world.whole_run(world.run("hello"))
    assert (settlement.sent, settlement.failed) == (38, 12)
    suppressed = {address: note for address, reason, note in listed(world) if reason == "hard_bounce"}
    assert set(suppressed) == {f"customers-{n}@customers.example" for n in (3, 4, 7, 9, 10, 11, 12, 13)}
    assert suppressed["customers-3@customers.example"] == "550 5.1.1 no such user (send task hello)"
    assert suppressed["customers-4@customers.example"] == "550 5.1.2 no such 5.1.2 domain (send task hello)"
    world.task("again", group="customers")
    world.freeze(world.run("again"))
    assert world.overview("again").suppressed_count == 8
    world.check_ledger()


def test_it_can_be_turned_off(world: World, mail_server: RecordingServer) -> None:
    mail_server.refuse = lambda recipient: b"550 5.1.1 no" if recipient.startswith("customers-3@") else None
    world.smtp_uri += "?suppress_hard_bounces=false"
    world.group("customers", 10)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 1
    assert listed(world) == []


UNKNOWN = b"550 5.1.1 User unknown in local recipient table"


@pytest.mark.parametrize(
    "words", [UNKNOWN, b"550 Invalid recipient", b"554 5.7.1 Relay access denied", b"550 Sender verify failed"]
)
def test_a_server_that_refuses_everybody_is_not_believed_and_nobody_has_failed(
    world: World, mail_server: RecordingServer, words: bytes
) -> None:
    mail_server.refuse = lambda recipient: words
    world.group("customers", 500)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with pytest.raises(MailRefused):
        world.send(chunk_id, run)
    settlement = world.settle(run)
    assert (settlement.failed, settlement.cached) == (0, 500)
    assert words.decode()[4:] in (settlement.reason or "")
    assert listed(world) == []
    world.check_ledger()
    mail_server.refuse = lambda recipient: None
    assert world.whole_run(world.run("hello", RunKind.TRIGGERED)).sent == 500
    world.check_ledger()


def test_a_database_that_is_away_when_they_are_taken_back_is_waited_for(
    world: World, mail_server: RecordingServer
) -> None:
    mail_server.refuse = lambda recipient: b"554 5.7.1 Relay access denied"
    world.group("customers", 200)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    # Whoever notes why it ended loses the connection at that moment, once.
    world.execute(
        "CREATE SEQUENCE notes;"
        " CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('notes') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER cut BEFORE UPDATE ON attempt FOR EACH ROW"
        " WHEN (OLD.ending IS NULL AND NEW.ending IS NOT NULL) EXECUTE FUNCTION cut()"
    )
    with pytest.raises(MailRefused):
        world.send(chunk_id, run)
    assert world.rows("SELECT nextval('notes')") == [(3,)]
    settlement = world.settle(run)
    assert (settlement.failed, settlement.cached) == (0, 200)
    assert "Relay access denied" in (settlement.reason or "")
    world.check_ledger()


def test_a_refusal_of_mail_fails_nobody_in_a_short_list_either(world: World) -> None:
    world.group("customers", 5)
    world.task("hello", group="customers")
    with ScriptedServer(Script(faults=(Fault("mail", Act("no", b"553 sorry, not you\r\n"), times=None),))) as server:
        world.smtp_uri = f"smtp://127.0.0.1:{server.port}"
        settlement = world.whole_run(world.run("hello"))
    assert (settlement.failed, settlement.cached) == (0, 5)
    assert "553 sorry, not you" in (settlement.reason or "")
    world.check_ledger()


def test_a_far_greater_share_of_unknown_users_than_usual_waits_for_a_person(
    world: World, mail_server: RecordingServer
) -> None:
    mail_server.refuse = lambda recipient: UNKNOWN if int(recipient.split("@")[0].split("-")[1]) % 2 else None
    world.group("customers", 2_000)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    (chunk_id,) = world.reserve(run).chunk_ids
    with pytest.raises(TooManyUnknownUsers, match="does not know"):
        world.send(chunk_id, run)
    settlement = world.settle(run)
    assert settlement.sent + settlement.failed < 500
    assert listed(world) == []
    world.check_ledger()


def test_the_share_that_is_usual_can_be_set(world: World, mail_server: RecordingServer) -> None:
    mail_server.refuse = lambda recipient: UNKNOWN if int(recipient.split("@")[0].split("-")[1]) % 2 else None
    world.smtp_uri += "?most_unknown_users=0.6"
    world.group("customers", 400)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 200
    assert len(listed(world)) == 200


def test_nobody_is_suppressed_by_a_server_that_has_accepted_nothing(world: World, mail_server: RecordingServer) -> None:
    mail_server.refuse = lambda recipient: UNKNOWN
    world.group("customers", 10)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == 10
    assert listed(world) == []


@pytest.mark.parametrize("first", [True, False], ids=["at the beginning", "all over the list"])
def test_many_are_believed_if_most_of_the_mail_is_accepted(
    world: World, mail_server: RecordingServer, first: bool
) -> None:
    # One of them exists: a server that has accepted nobody is not believed.
    unknown = {f"customers-{n + 1 if first else 5 * n}@customers.example" for n in range(1, 26 if first else 51)}
    mail_server.refuse = lambda recipient: b"550 5.1.1 no" if recipient in unknown else None
    world.group("customers", 260)
    world.task("hello", group="customers")
    assert world.whole_run(world.run("hello")).failed == len(unknown)
    assert {address for address, _, _ in listed(world)} == unknown


def test_an_entry_of_a_person_that_never_ends_is_left_as_it_is(world: World, mail_server: RecordingServer) -> None:
    world.group("customers", 4)
    world.task("hello", group="customers")
    run = world.run("hello")
    world.freeze(run)
    insert = (
        "INSERT INTO suppression (address_key, address, reason, note, expires_at)"
        " SELECT address_key, address, 'complaint', 'by hand', %s FROM message WHERE seq = %s"
    )
    world.execute(insert, "2020-01-01", 1)
    (chunk_id,) = world.reserve(run).chunk_ids

    def refuse(recipient: str) -> bytes | None:
        if recipient.startswith("customers-2@"):
            world_too.execute(insert, None, 2)
        return None if recipient.startswith("customers-4@") else b"550 5.1.1 no"

    mail_server.refuse, world_too = refuse, World(dsn=world.dsn, templates=world.templates)
    world.send(chunk_id, run)
    world_too.close()
    assert [(reason, note) for _, reason, note in listed(world)] == [
        ("hard_bounce", "550 5.1.1 no (send task hello)"),
        ("complaint", "by hand"),
        ("hard_bounce", "550 5.1.1 no (send task hello)"),
    ]
    assert world.rows("SELECT count(*) FROM suppression WHERE expires_at IS NOT NULL") == [(0,)]
