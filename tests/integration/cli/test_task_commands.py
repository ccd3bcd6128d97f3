"""`ses task`: definitions in, what a person sees, and what a person decides."""

from __future__ import annotations

import pytest

from ses_ops.cli import session
from ses_ops.domain.occurrence import RunKind
from ses_ops.errors import NotFound
from tests.integration.sending_world import quota

KEYS = (
    *("name", "type", "status", "request_count", "sent_count", "cached_count", "failed_count", "suppressed_count"),
    *("unknown_count", "in_progress_count", "next_run_at", "error"),
)


def test_apply_creates_changes_and_leaves_alone(ses, world, sale, airflow):
    world.group("customers", 3)
    path = sale(type="recurring", every="24h", start_at="2199-12-01 09:00", time_zone="Asia/Tokyo")
    first = ses("task", "apply", path)
    assert first.code == 0, first.err
    assert "created" in first.out
    assert "3 recipients" in first.out
    assert "Sun 2199-12-01 09:00, Mon 2199-12-02 09:00" in first.out
    assert airflow.asked == [("update_dags", ("created", ["sale"]), ("changed", []))]
    assert ses("task", "apply", path, "--json").json[0]["applied"] == "unchanged"
    assert len(airflow.asked) == 1, "nothing changed, nothing to tell"
    sale(type="recurring", every="48h", start_at="2199-12-01 09:00", time_zone="Asia/Tokyo")
    checked = ses("task", "apply", "--check", path)
    assert "would be changed" in checked.out
    assert len(airflow.asked) == 1, "a check tells Airflow nothing"
    assert ses("task", "apply", path, "--json").json[0]["applied"] == "changed"
    assert airflow.asked[1] == ("update_dags", ("created", []), ("changed", ["sale"]))


def test_apply_refuses_a_task_whose_template_shows_a_link_that_it_lacks(ses, world, sale, airflow):
    world.group("customers", 3)
    (world.templates / "hello" / "body.html").write_text("<p>{{ name }} {{ unsubscribe_url }}</p>")
    path = sale()
    for command in (("task", "apply", "--check", path), ("task", "apply", path)):
        refused = ses(*command)
        assert refused.code == 1
        assert "(line 1 of hello/body.html), which would be empty in all mail of this task" in refused.err + refused.out
    assert not world.rows("SELECT 1 FROM send_task")
    assert ses("task", "apply", sale(unsubscribe_url="https://example.com/u")).code == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "sale.yaml: colour: unknown key"),
        ({"template": "nix"}, "there is no template named 'nix'"),
        ({"group": "nix"}, "sale.yaml: group: there is no recipient group 'nix'"),
        ({"subject": '"{{ nickname }}"'}, "the template needs nickname"),
        ({"subject": '"two\\nlines"'}, "sale.yaml: subject: has a line break"),
        ({"subject": "x" * 999}, "sale.yaml: subject: has 999 characters"),
        ({"sender": "nobody"}, "sale.yaml: sender: "),
        ({"type": "scheduled", "start_at": "2001-01-01 09:00"}, "sale.yaml: start_at: 2001-01-01 09:00 UTC has passed"),
        ({"type": "scheduled", "start_at": "soon"}, "sale.yaml: start_at: 'soon' is not a time"),
        ({"type": "recurring", "cron": "61 * * * *"}, "is not a cron expression"),
        ({"time_zone": "Mars/Base"}, "'Mars/Base' is not an IANA time zone"),
        ({"unsubscribe": "true"}, "unsubscribe: must be one of none, zh-CN, en"),
        ({"sender": "[a"}, "sale.yaml: line "),
        ({"name": "sale\nname: twice"}, "sale.yaml: line 2: is not valid YAML: the key 'name' stands twice"),
    ],
)
def test_a_wrong_definition_is_one_line_that_names_the_place(ses, world, sale, changes, words):
    world.group("customers", 3)
    refused = ses("task", "apply", sale(**changes) if "name" not in changes else sale(file="sale.yaml", **changes))
    assert refused.code == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1
    assert ses("task", "list", "--json").json == []


def test_a_folder_is_applied_whole_or_not_at_all_and_every_problem_is_named(ses, world, sale, tmp_path):
    world.group("customers", 3)
    sale("good", file="tasks/good.yaml")
    sale("bad", file="tasks/bad.yaml", template="nix")
    sale("worse", file="tasks/worse.yml", group="nix")
    (tmp_path / "tasks" / "README.md").write_text("not a task")
    refused = ses("task", "apply", tmp_path / "tasks")
    assert refused.code == 1
    assert [line.split(":")[0] for line in refused.err.splitlines()] == ["ses", "ses"]
    assert "bad.yaml" in refused.err
    assert "worse.yml" in refused.err
    assert ses("task", "list", "--json").json == []
    sale("good", file="tasks/bad.yaml")
    assert "'good' is also the name in" in ses("task", "apply", tmp_path / "tasks").err


def test_a_message_over_4_mb_is_refused_before_anything_is_sent(ses, world, sale):
    world.group("customers", 1)
    (world.templates / "hello" / "body.html").write_text("<p>{{ name }}</p>" + "<p>0123456789</p>\n" * 250_000)
    (world.templates / "hello" / "body.txt").write_text("{{ name }}")
    assert "bytes, more than 4194304" in ses("task", "apply", sale()).err


def test_a_domain_without_a_quota_is_warned_of(ses, world, sale, monkeypatch):
    world.group("customers", 3)
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{}")
    done = ses("task", "apply", sale())
    assert done.code == 0
    assert "ses: warning: nothing can be sent from 'mail.example.com': the Airflow Variable" in done.err


def test_the_list_has_the_promised_keys_and_sums(ses, world):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.quota_variable = quota(3)
    world.whole_run(world.run("sale"))
    (line,) = ses("task", "list", "--json").json
    assert set(KEYS) <= line.keys()
    assert (line["status"], line["request_count"], line["sent_count"], line["cached_count"]) == ("paused", 5, 3, 2)
    assert line["next_run_at"].endswith("Z")
    assert ses("task", "list", "--status", "finished", "--json").json == []
    assert "quota of 3" in ses("task", "list").out
    assert ses("task", "show", "sale", "--json").json["on_unknown"] == "hold"
    assert "news@mail.example.com" in ses("task", "show", "sale").out
    assert ses("task", "show", "nix").code == 1


def test_messages_tell_what_happened_to_each(ses, world):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.quota_variable = quota(3)
    world.whole_run(world.run("sale"))
    assert len(ses("task", "messages", "sale", "--json").json) == 5
    cached = ses("task", "messages", "sale", "--status", "cached", "--json").json
    assert [row["address"] for row in cached] == ["customers-4@customers.example", "customers-5@customers.example"]
    (one,) = ses("task", "messages", "sale", "--address", "Customers-1@customers.example", "--json").json
    assert ses("task", "messages", "sale", "--address", "S-1@", "--json").json == [one]
    assert (one["status"], one["smtp_code"]) == ("sent", 250)
    assert "more than 2" in ses("task", "messages", "sale", "--limit", 2).err


def test_pause_and_resume_turn_the_dags_switch_and_start_what_waits(ses, world, airflow):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.quota_variable = quota(3)
    world.whole_run(world.run("sale"))
    assert "sale: paused" in ses("task", "pause", "sale", "--reason", "wrong price").out
    assert "wrong price" in world.overview("sale").reason
    assert "was paused already" in ses("task", "pause", "sale").out
    done = ses("task", "resume", "sale")
    assert done.code == 0, done.err
    asked = [(name, task) for name, task, *_ in airflow.asked]
    assert asked == [("pause_dag", "sale"), ("pause_dag", "sale"), ("unpause_dag", "sale"), ("trigger_run", "sale")]
    _, _, run_id, conf = airflow.asked[-1]
    assert run_id.startswith("resume__")
    assert conf == {"resume": True}
    world.quota_variable = quota(10)
    world.whole_run(world.run("sale", RunKind.RESUME, run_id=run_id))
    assert world.overview("sale").sent_count == 5


def test_without_airflow_a_decision_still_holds_and_says_what_will_happen(ses, world):
    world.group("customers", 5)
    world.task("sale", group="customers")
    done = ses("task", "pause", "sale")
    assert (done.code, world.overview("sale").status.value) == (0, "paused")
    assert "no Airflow was found; the pause holds" in done.err


def test_failed_messages_are_sent_again_by_a_run_that_can_start_nothing_new(ses, world, airflow):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    assert "no message has failed" in ses("task", "retry-failed", "sale").out
    fail(world, "failed", 2)
    done = ses("task", "retry-failed", "sale")
    assert "2 failed messages will be tried again" in done.out, done.err
    (asked,) = airflow.asked
    assert asked[0] == "trigger_run"
    world.whole_run(world.run("sale", RunKind.RESUME, run_id=asked[2]))
    assert (world.overview("sale").sent_count, world.overview("sale").status.value) == (5, "finished")
    world.check_ledger()


def test_retry_failed_says_how_many_of_which_code_and_leaves_the_suppressed_out(ses, world, airflow):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    fail(world, "failed", 3)
    world.execute(
        "UPDATE message SET smtp_code = 550, smtp_text = '5.1.1 no such user' WHERE state = 'failed' AND seq < 3"
    )
    world.execute("UPDATE message SET smtp_code = NULL, smtp_text = 'not sent' WHERE state = 'failed' AND seq >= 3")
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) SELECT address_key, address, 'hard_bounce'"
        " FROM message WHERE state = 'failed' ORDER BY seq LIMIT 1"
    )
    before = world.states()
    checked = ses("task", "retry-failed", "sale", "--check")
    assert checked.code == 0
    assert "1 are left out: their addresses are on the suppression list" in checked.out
    assert world.states() == before
    assert ses("task", "retry-failed", "sale", "--code", "55x").code == 2
    assert "no message has failed with that code" in ses("task", "retry-failed", "sale", "--code", "421").out
    done = ses("task", "retry-failed", "sale", "--code", "none")
    assert "1 failed messages will be tried again" in done.out, done.out
    assert "1 failed messages will be tried again" in ses("task", "retry-failed", "sale", "--yes").out
    assert world.states() == {"sent": 2, "failed": 1, "requeued": 2}
    world.check_ledger()


@pytest.mark.parametrize(("option", "word"), [("--resend", "cached"), ("--assume-sent", "sent")])
def test_unknown_messages_wait_for_a_persons_word(ses, world, airflow, option, word):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    fail(world, "unknown", 2)
    assert ses("task", "resolve-unknown", "sale").code == 2
    assert "2 messages in doubt" in ses("task", "resolve-unknown", "sale", option).out
    overview = world.overview("sale")
    assert overview.unknown_count == 0
    assert getattr(overview, f"{word}_count") == (2 if word == "cached" else 5)
    assert "no message is in doubt" in ses("task", "resolve-unknown", "sale", option).out
    world.check_ledger()


def test_a_task_that_is_being_sent_cannot_be_decided_about(ses, world):
    world.group("customers", 5)
    world.task("sale", group="customers")
    run = world.run("sale")
    world.freeze(run)
    world.reserve(run)
    world.execute("UPDATE message SET state = 'failed' WHERE seq = 1")
    world.execute("UPDATE chunk SET pending = pending - 1, failed = 1")
    refused = ses("task", "retry-failed", "sale")
    assert refused.code == 1
    assert "is being sent; try again when it is done" in refused.err
    assert "has 4 messages not sent yet" in ses("task", "delete", "sale").err
    assert world.rows("SELECT state::text FROM message WHERE seq = 1") == [("failed",)]
    assert ses("task", "cancel", "sale").code == 0
    assert "try again when it has stopped" in ses("task", "delete", "sale").err


def test_cancel_and_delete(ses, world, airflow):
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.quota_variable = quota(3)
    world.whole_run(world.run("sale"))
    assert "cancel sale` first" in ses("task", "delete", "sale").err
    assert "sale: cancelled" in ses("task", "cancel", "sale").out
    assert "was cancelled already" in ses("task", "cancel", "sale").out
    assert "is cancelled" in ses("task", "resume", "sale").err
    assert ses("task", "delete", "sale").code == 0
    assert airflow.asked == [("forget_task", "sale")]
    assert ses("task", "list", "--json").json == []
    assert world.rows("SELECT count(*) FROM message") == [(5,)]


def test_a_held_start_needs_a_run_by_hand(ses, world, airflow):
    from datetime import UTC, datetime, timedelta

    world.group("customers", 5)
    world.task("sale", group="customers")
    late = datetime.now(UTC) - timedelta(days=2)
    world.started_at("sale", late)
    world.freeze(world.run("sale", logical_at=late))
    assert "was missed" in world.overview("sale").error
    assert ses("task", "resume", "sale").code == 0
    assert airflow.asked[-1][2].startswith("manual__")
    world.whole_run(world.run("sale", RunKind.TRIGGERED, run_id=airflow.asked[-1][2]))
    assert world.overview("sale").sent_count == 5


def test_an_airflow_that_fails_is_a_note_and_no_error(ses, world, monkeypatch):
    world.group("customers", 5)
    world.task("sale", group="customers")

    def fails(question):
        raise NotFound("DAG", "send_task__sale")

    monkeypatch.setattr(session, "airflow_is_configured", lambda: True)
    monkeypatch.setattr(session, "ask_airflow", fails)
    done = ses("task", "pause", "sale")
    assert done.code == 0
    assert "Airflow could not be told (there is no DAG" in done.err


def fail(world, state: str, count: int) -> None:
    """The first messages of everything get another outcome, as a server or a crash might have given it."""
    world.execute(f"UPDATE message SET state = '{state}', smtp_code = 550 WHERE seq <= %s", count)
    world.execute(f"UPDATE chunk SET sent = sent - %s, {state} = {state} + %s WHERE first_seq = 1", count, count)
    world.count_anew()
