"""`ses task edit` and `ses task apply` correct what has not left, after saying what changes for whom."""

from __future__ import annotations

import json

import pytest
import yaml

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending_world import DOMAIN, quota


@pytest.fixture
def half(world):
    """Four of ten have left."""
    world.quota_variable = quota(4)
    world.group("customers", 10)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    return world


def test_edit_says_what_changes_for_whom_and_corrects_the_rest(ses, half, airflow, mail_server):
    change = ("task", "edit", "sale", "--sender", f"Right <right@{DOMAIN}>", "--reply-to", "ask@example.com")
    looked = ses(*change, "--check")
    assert looked.code == 0, looked.err
    assert f"sender: Example <news@{DOMAIN}> -> Right <right@{DOMAIN}>" in looked.out
    assert "reply_to: - -> ask@example.com" in looked.out
    assert "for 6 messages that have not left; 4 were sent and stay as they are" in looked.out
    assert half.rows("SELECT edition FROM send_task") == [(1,)], "looking changes nothing"
    done = ses(*change)
    assert "sale: changed" in done.out, done.err
    assert [asked[0] for asked in airflow.asked] == ["update_dags"], "it waits for its quota as before"
    half.quota_variable = quota(100)
    half.whole_run(half.run("sale", RunKind.TRIGGERED))
    senders = [content.decode().partition("From: ")[2].split("\r\n")[0] for content in mail_server.contents.values()]
    shown = json.loads(ses("task", "show", "sale", "--json").out)
    assert [(one["number"], one["sent"], one["sender"]) for one in shown["editions"]] == [
        (2, 6, f"Right <right@{DOMAIN}>"),
        (1, 4, f"Example <news@{DOMAIN}>"),
    ]
    assert f"1: 4 sent from Example <news@{DOMAIN}>" in ses("task", "show", "sale").out
    assert sorted(senders) == [f"Example <news@{DOMAIN}>"] * 4 + [f"Right <right@{DOMAIN}>"] * 6
    assert set(mail_server.accepted.values()) == {1}
    half.check_ledger()


def test_what_is_tracked_is_corrected_for_the_rest(ses, half, airflow, mail_server, monkeypatch):
    refused = ses("task", "edit", "sale", "--track-opens", "yes")
    assert refused.code == 1
    assert "set SES_PUBLIC_URL" in refused.err
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    change = ("task", "edit", "sale", "--track-opens", "yes", "--track-clicks", "default")
    assert "track_opens: as the domain says -> yes" in ses(*change, "--check").out
    assert ses(*change).code == 0
    half.quota_variable = quota(100)
    half.whole_run(half.run("sale", RunKind.TRIGGERED))
    assert sum(b"mail.example.com/o/" in content for content in mail_server.contents.values()) == 6
    shown = ses("task", "show", "sale", "--json").json
    assert shown["track"] == {"opens": True, "clicks": None}
    assert [one["track_opens"] for one in shown["editions"]] == [True, None]
    assert "opens: true" in ses("task", "show", "sale").out
    half.check_ledger()


def test_edit_of_a_task_in_error_lets_it_go_on(ses, world, airflow):
    world.quota_variable = quota(100)
    world.group("customers", 10)
    world.task("sale", group="customers", sender="Example <news@mial.example.com>")
    run = world.run("sale")
    world.freeze(run)
    with pytest.raises(Exception, match=r"mial\.example\.com"):
        world.reserve(run)
    assert ses("task", "edit", "sale", "--sender", f"Example <news@{DOMAIN}>").code == 0
    assert [asked[0] for asked in airflow.asked] == ["update_dags", "trigger_run"]
    assert world.whole_run(world.run("sale", RunKind.RESUME)).sent == 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sender", "nonsense"], "sender"),
        (["--reply-to", "a@b"], "it has no dot in it"),
        (["--template", "nothing"], "nothing"),
        (["--unsubscribe-url", "http://x"], "leads nowhere"),
        (["--subject", "{{ city }}"], "needs city, which the recipients who are left have no values for"),
    ],
    ids=["sender", "reply", "template", "link", "variable"],
)
def test_edit_refuses_what_a_task_could_not_be(ses, half, airflow, options, words):
    before = half.rows("SELECT * FROM send_task")
    refused = ses("task", "edit", "sale", *options)
    assert refused.code == 1
    assert words in refused.err
    assert half.rows("SELECT * FROM send_task") == before
    assert not airflow.asked


def test_edit_clears_what_is_given_empty_and_says_when_nothing_changes(ses, half, airflow):
    assert ses("task", "edit", "sale").code == 2
    assert "nothing changes" in ses("task", "edit", "sale", "--reply-to", "").out
    assert ses("task", "edit", "sale", "--subject", "For {{ name }}").code == 0
    assert ses("task", "edit", "sale", "--subject", "").code == 0
    assert half.rows("SELECT subject, edition FROM send_task") == [(None, 3)]


def test_apply_corrects_the_rest_and_says_so(ses, half, airflow, tmp_path):
    entry = {
        "name": "sale",
        "type": "immediate",
        "template": "hello",
        "group": "customers",
        "sender": f"Example <news@{DOMAIN}>",
        "subject": "Corrected, {{ name }}",
    }
    file = tmp_path / "sale.yaml"
    file.write_text(yaml.safe_dump(entry))
    looked = ses("task", "apply", "--check", str(file))
    assert "subject: - -> Corrected, {{ name }}" in looked.out, looked.err
    assert "for 6 messages that have not left; 4 were sent and stay as they are" in looked.out
    (row,) = json.loads(ses("task", "apply", str(file), "--json").out)
    assert row["applied"] == "changed"
    assert row["changes"][0] == "subject: - -> Corrected, {{ name }}"
    file.write_text(yaml.safe_dump({**entry, "type": "scheduled", "start_at": "2099-01-01 09:00"}))
    refused = ses("task", "apply", str(file))
    assert refused.code == 1
    assert "when it starts can change no more" in refused.err
