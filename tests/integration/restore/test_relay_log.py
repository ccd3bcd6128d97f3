"""The mail server's log says what it took since the backup: that is sent, and the rest is sent after all."""

from __future__ import annotations

import re

import pytest

from ses_ops.application.resolve_by_log import resolve_by_log
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.relay_log import read_taken
from ses_ops.errors import InvalidInput
from tests.actors import ANYBODY
from tests.integration.restore.conftest import check, say
from tests.integration.sending_world import quota


@pytest.fixture
def restored(world, mail_server, backups, other_server):
    """600 messages: 100 sent before the dump, 300 after it by the lost system, 200 never."""
    world.group("sale", 600)
    world.task("sale", group="sale")
    world.quota_variable = quota(100)
    world.whole_run(world.run("sale"))
    file = backups.dump(world)
    world.quota_variable = quota(400)
    world.whole_run(world.run("sale", RunKind.TRIGGERED))
    assert mail_server.total == 400
    made = backups.restore(file, like=world, server=other_server)
    made.quota_variable = quota(1_000_000)
    say(made)
    return made


def by_address(mail_server) -> list[str]:
    return [f"postfix/smtp[1]: 4A: to=<{one.upper()}>, dsn=2.0.0, status=sent (250 ok)" for one in mail_server.accepted]


def by_message_id(mail_server) -> list[str]:
    found = [re.search(rb"(?im)^Message-ID: *(<[^>]+>)", content) for content in mail_server.contents.values()]
    return [f"postfix/cleanup[1]: 4A: message-id={one[1].decode()}" for one in found if one]


@pytest.mark.parametrize("log", [by_address, by_message_id])
def test_everybody_has_the_mail_once(restored, mail_server, log):
    done = resolve_by_log(restored.conn, ANYBODY, "sale", read_taken(log(mail_server)))
    assert (done.sent, done.again) == (300, 200)
    assert [notice.task for notice in done.scheduler] == ["sale"]
    check(restored)
    restored.whole_run(restored.run("sale", RunKind.RESUME))
    assert len(mail_server.accepted) == 600
    assert set(mail_server.accepted.values()) == {1}
    check(restored)
    assert restored.rows("SELECT sum(accepted)::int, sum(assumed)::int, sum(unknown)::int FROM send_count") == [
        (600, 300, 0)
    ]


@pytest.mark.parametrize("lines", [[], ["to=<nobody@example.org>", "", "@ <> x@"]])
def test_an_empty_log_or_one_of_others_has_nobody_mailed_again(restored, lines):
    with pytest.raises(InvalidInput, match="names none of the messages of 'sale' that are in doubt"):
        resolve_by_log(restored.conn, ANYBODY, "sale", read_taken(lines))
    assert restored.rows("SELECT count(*)::int FROM message WHERE state = 'unknown'") == [(500,)]
    check(restored)
