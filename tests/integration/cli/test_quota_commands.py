"""`ses quota`, `ses task forecast`, `ses test-send` and `ses doctor`."""

from __future__ import annotations

import json

from tests.integration.sending_world import DOMAIN, MORNING, quota


def test_the_quota_shows_what_is_used_left_and_waiting(ses, world, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(3)))
    world.quota_variable = quota(3)
    world.group("customers", 5)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    (row,) = ses("quota", "show", "--json").json
    assert (row["domain"], row["allotment"], row["used"], row["left"], row["backlog"]) == (DOMAIN, 3, 3, 0, 2)
    assert row["history"][0]["used"] == 3
    shown = ses("quota", "show", DOMAIN)
    assert shown.code == 0
    assert "plan, a day: 3" in shown.out
    assert ses("quota", "show", "other.example").code == 1


def test_a_wrong_entry_is_shown_with_its_domain(ses, world, monkeypatch):
    world.group("customers", 5)
    world.task("sale", group="customers")
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({DOMAIN: {"plan": [0], "started_on": "2026-01-01"}}))
    shown = ses("quota", "show")
    assert shown.code == 1
    assert "must be a whole number of messages, 1 or more" in shown.out
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "")
    assert "is not set" in ses("quota", "show").out


def test_an_international_domain_is_one_domain_in_the_variable_in_a_task_and_on_the_command_line(
    ses, world, monkeypatch
):
    world.quota_variable = {"München.example": {"plan": [3], "started_on": "2026-01-01"}}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(world.quota_variable))
    world.group("customers", 5)
    world.task("sale", group="customers", sender="Shop <news@münchen.example>")
    world.whole_run(world.run("sale"))
    (row,) = ses("quota", "show", "--json").json
    assert (row["domain"], row["used"], row["backlog"]) == ("xn--mnchen-3ya.example", 3, 2)
    for written in ("münchen.example", "MU\u0308NCHEN.example.", "xn--mnchen-3ya.example", "XN--Mnchen-3ya.example"):
        assert ses("quota", "show", written, "--json").json == [row], written
    twice = {**world.quota_variable, "xn--mnchen-3ya.example": {}}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(twice))
    shown = ses("quota", "show", "münchen.example", "--json")
    assert shown.code == 1
    assert "'München.example', 'xn--mnchen-3ya.example'" in shown.out


def test_the_forecast_deals_a_task_out_behind_what_was_cached_before(ses, world, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(3)))
    world.quota_variable = quota(3)
    world.group("customers", 5)
    world.task("old", group="customers")
    world.whole_run(world.run("old"))
    world.task("new", group="customers")
    days = ses("task", "forecast", "new", "--json").json["days"]
    assert [(day["other_tasks_count"], day["count"]) for day in days] == [(2, 1), (0, 3), (0, 1)]
    assert [day["count"] for day in ses("task", "forecast", "old", "--json").json["days"]] == [2]
    assert "this task" in ses("task", "forecast", "new").out


def test_a_test_send_sends_now_and_over_the_quota_sends_nothing(ses, world, mail_server, monkeypatch):
    send = ("test-send", "--template", "hello", "--sender", f"Shop <a@{DOMAIN}>", "--values", '{"name": "Ann"}')
    done = ses(*send, "--to", "x@y.example", "--to", "z@y.example", "--json")
    assert (done.json["sent"], done.err) == (2, "")
    (world.templates / "hello" / "body.txt").write_text("Unsubscribe: {{ unsubscribe_url }}")
    warned = ses(*send, "--to", "x@y.example", "--json")
    assert (warned.code, warned.json["sent"]) == (0, 1)
    assert "ses: warning: template 'hello': it shows {{ unsubscribe_url }} (line 1 of hello/body.txt)" in warned.err
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(quota(3)))
    refused = ses(*send, "--to", "x@y.example", "--to", "z@y.example")
    assert refused.code == 1
    assert "today's quota" in refused.err
    many = [part for number in range(21) for part in ("--to", f"p{number}@y.example")]
    assert "1 to 20 addresses, not 21" in ses(*send, *many).err
    assert "no value given for name" in ses(*send[:-2], "--values", "{}", "--to", "x@y.example").err


def test_the_doctor_finds_nothing_wrong_and_then_what_is(ses, world, monkeypatch):
    world.group("customers", 2)
    world.task("sale", group="customers")
    healthy = ses("doctor", "--json")
    assert healthy.code == 0, healthy.out
    states = {line["name"]: line["state"] for line in json.loads(healthy.out)}
    # No Airflow is here, no mail comes back, and no page is there to unsubscribe on.
    assert states == dict.fromkeys(states, "ok") | dict.fromkeys(("airflow", "public", "bounces"), "warn")
    (world.templates / "hello" / "body.html").write_text("<p>{{ nickname }}</p>")
    monkeypatch.setenv("AIRFLOW_CONN_SES_SMTP", "smtp://127.0.0.1:1/?unavailable_after=0.2&timeout=1")
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", "{")
    ill = ses("doctor")
    assert ill.code == 1
    failed = [line.split()[1] for line in ill.out.splitlines() if line.startswith("FAIL")]
    assert failed == ["smtp", "quota", "tasks"]


def test_the_doctor_says_which_database_version_is_missing(ses, postgres, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", postgres.dsn(postgres.new_database()))
    ill = ses("doctor")
    assert ill.code == 1
    assert "run `ses migrate`" in ill.out


def test_a_quota_led_by_the_reputation_says_its_mode_its_limit_and_what_a_raise_may_do(ses, world, monkeypatch):
    entry = {DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING, "max_level": 9}}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(entry))
    world.quota_variable = entry
    world.group("customers", 700)
    world.task("sale", group="customers")
    world.whole_run(world.run("sale"))
    (row,) = ses("quota", "show", "--json").json
    assert (row["mode"], row["limited_by"], row["start_level"], row["max_level"]) == ("reputation", "level", 1, 9)
    assert (row["allotment"], row["used"], row["shadow"], row["blocked_until"]) == (500, 500, False, None)
    assert "quota of each level, a day: 500  1,000" in ses("quota", "show", DOMAIN).out
    assert ses("task", "forecast", "sale", "--json").json["may_be_earlier"] is True
    assert "a raise of its level lets mail go earlier" in ses("task", "forecast", "sale").out
    guarded = {DOMAIN: {"plan": [900], "started_on": "2026-01-01", "guard": True}}
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps(guarded))
    (row,) = ses("quota", "show", "--json").json
    assert (row["mode"], row["limited_by"], row["allotment"]) == ("guard", "plan", 900)
    assert "start_level" not in row
