"""`ses callback`: endpoints from the command line; only the command that makes a secret shows it."""

from __future__ import annotations

import pytest

from ses_ops.cli.callback_posts import deliveries, replay
from ses_ops.domain.message_event import EventKind
from tests.callback_receiver import receiver
from tests.integration.callbacks.delivering import deliverer, until, waiting
from tests.integration.events.mailing import sent


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    monkeypatch.setenv("SES_CALLBACK_ALLOW", "127.0.0.0/8")


def test_an_endpoint_is_added_tried_shown_paused_and_removed(ses, world):
    with receiver() as hook:
        added = ses("callback", "add", "crm", hook.url + "?token=tok-9f3", "--kind", "bounced", "--json")
        secret = added.json["secret"]
        assert secret.startswith("whsec_")
        assert "no deliverer is alive" in added.err
        assert "not https" in added.err
        with deliverer(world.dsn):
            tried = ses("callback", "test", "crm")
            assert (tried.code, "delivered: 204" in tried.out) == (0, True), tried
            hook.answer = 500
            tried = ses("callback", "test", "crm", "--json")
            assert tried.code == 1
            assert '"failed"' in tried.out
    for command in (("list",), ("list", "--json"), ("show", "crm"), ("show", "crm", "--json"), ("deliveries",)):
        answer = ses("callback", *command)
        assert answer.code == 0, answer.err
        assert not {one for one in (secret, "tok-9f3") if one in answer.out}
    assert ses("callback", "show", "crm", "--json").json["kinds"] == ["bounced"]
    assert "is paused" in ses("callback", "pause", "crm").out
    assert "was paused already" in ses("callback", "pause", "crm").out
    assert "paused" in ses("callback", "list").out
    assert "is resumed" in ses("callback", "resume", "crm").out
    assert ses("callback", "rotate", "crm", "--json").json["secret"] not in (secret, None)
    assert "is removed" in ses("callback", "remove", "crm", "--yes").out
    assert ses("callback", "list", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "crm", "http://169.254.169.254/"), "private network"),
        (("add", "C", "https://x.example/"), "lower case"),
        (("show", "nobody"), "no callback endpoint 'nobody'"),
        (("deliveries", "nobody"), "no callback endpoint 'nobody'"),
        (("replay", "nobody", "--from", "2026-11-29"), "no callback endpoint 'nobody'"),
        (("replay", "nobody"), "--event or --from"),
        (("replay", "nobody", "--from", "soon"), "soon"),
    ],
)
def test_what_cannot_be_done_is_said(ses, arguments, said):
    answer = ses("callback", *arguments)
    assert answer.code > 0
    assert said in answer.err


def test_what_was_posted_is_listed_and_replayed(ses, world):
    mailing = sent(world, "spring", ["anna@example.org", "bob@example.org"])
    with receiver() as hook:
        ses("callback", "add", "crm", hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED), mailing.event(2, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
            listed = ses("callback", "deliveries", "crm", "--json").json
            assert [one["outcome"] for one in listed["ended"]] == ["delivered"] * 2
            key = listed["ended"][0]["event_key"]
            assert ses("callback", "replay", "crm", "--event", key, "--json").json == {"count": 1}
            until(lambda: waiting(world) == 0)
            again = ses("callback", "replay", "crm", "--from", "2026-11-01")
            assert "2 events are posted to crm again" in again.out
            until(lambda: waiting(world) == 0)
    assert len(hook.posts) == 5


def test_a_check_says_whether_a_deliverer_is_alive(ses, world):
    answer = ses("deliver", "callbacks", "--check")
    assert (answer.code, "no process" in answer.err) == (1, True)
    with deliverer(world.dsn):
        until(lambda: world.rows("SELECT count(*) FROM callback_deliverer") == [(1,)])
        assert ses("deliver", "callbacks", "--check").code == 0


def test_commands_with_many_options_have_examples():
    assert all("ses callback" in (one.epilog or "") for one in (deliveries, replay))
