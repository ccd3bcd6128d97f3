"""`ses domain show|pin|unpin|cap|block|release|reset`: the reputation of a sender domain."""

from __future__ import annotations

import json

import pytest

from ses_ops.application.judge_reputation import judge_domain
from ses_ops.domain.warmup import QuotaPlans
from tests.integration.reputation_world import ReputationWorld
from tests.integration.sending_world import DOMAIN, MORNING

WHY = ("--reason", "a known list")
ENTRY = {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING, "start_level": 3}


@pytest.fixture
def led(world, ses, monkeypatch):
    """A domain that its reputation leads, with a day of mail."""
    monkeypatch.setenv("AIRFLOW_VAR_SES_WARMUP_QUOTA", json.dumps({DOMAIN: ENTRY}))
    domain = ReputationWorld(conn=world.conn, domain=DOMAIN)
    domain.measured()
    domain.day(accepted=970, invalid_refused=30)
    judge_domain(world.conn, QuotaPlans.parse({DOMAIN: ENTRY})[DOMAIN])
    return domain


def test_the_level_the_figures_and_the_decisions_are_shown(led, ses):
    shown = ses("domain", "show", DOMAIN, "--json").json["reputation"]
    assert (shown["plan"], shown["level"], shown["quota"], shown["measured"]) == ("reputation", 3, 2_000, True)
    assert (shown["next_raise_at"], shown["next_raise_missing"]) == (1_400, 400)
    (invalid,) = [one for one in shown["figures"] if one["figure"] == "invalid"]
    assert (invalid["today"], invalid["today_of"]) == (30, 1_000)
    by_rule = {one["rule"]: one["distance"] for one in invalid["limits"]}
    assert by_rule == {"raise_1": 20, "lower": 61, "block": 81}
    assert [one["kind"] for one in shown["decisions"]] == ["start"]
    text = ses("domain", "show", DOMAIN).out
    assert "3.00 % (30 of 1,000)" in text
    assert "above 9 %, 61 away" in text
    assert "the reputation begins at level 3, 2,000 messages a day" in text


def test_a_level_is_pinned_with_a_reason_and_unpinned(led, ses, airflow):
    done = ses("domain", "pin", DOMAIN.upper() + ".", 5, *WHY)
    assert (done.code, done.out) == (0, f"{DOMAIN}: pinned at level 5\n")
    assert ses("domain", "show", DOMAIN, "--json").json["reputation"]["pinned_level"] == 5
    assert "pinned the level at 5, 10,000 messages a day" in ses("domain", "show", DOMAIN).out
    assert "a known list" in ses("domain", "show", DOMAIN).out
    back = ses("domain", "unpin", DOMAIN, *WHY, "--json").json
    assert back == {"domain": DOMAIN, "level_before": 5, "level_after": 3}
    assert ses("domain", "unpin", DOMAIN, *WHY).code == 1
    assert [action for _, action, _ in airflow.audited] == ["pin_reputation", "unpin_reputation"]
    assert airflow.audited[0][2]["why"] == "a known list"


def test_a_highest_level_is_set_and_taken_away(led, ses):
    assert ses("domain", "cap", DOMAIN, 2, *WHY, "--json").json["level_after"] == 2
    assert ses("domain", "show", DOMAIN, "--json").json["reputation"]["capped_at"] == 2
    assert "rises as far as its plan allows" in ses("domain", "cap", DOMAIN, "--none", *WHY).out


def test_a_domain_is_blocked_and_released(led, ses):
    assert f"ses domain release {DOMAIN}" in ses("domain", "block", DOMAIN, *WHY).out
    assert "blocked_until" in ses("domain", "show", DOMAIN).out
    assert ses("domain", "release", DOMAIN, *WHY).out == f"{DOMAIN}: released\n"
    again = ses("domain", "release", DOMAIN, *WHY)
    assert (again.code, again.out) == (1, "")
    assert "is not blocked" in again.err
    assert ses("domain", "block", DOMAIN, "--today", *WHY).out == f"{DOMAIN}: blocked until its quota day ends\n"
    given_up = ses("domain", "release", DOMAIN, "--give-up-mail", *WHY, "--json").json
    assert given_up == {"domain": DOMAIN, "given_up": 0, "tasks": []}


def test_a_reset_begins_anew(led, ses):
    assert "begins anew, at level 3" in ses("domain", "reset", DOMAIN, *WHY).out
    assert ses("domain", "show", DOMAIN, "--json").json["reputation"]["attempted_today"] in (0, 1_000)


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        (("pin", DOMAIN, 5), 2, "--reason"),
        (("pin", DOMAIN, 21, *WHY), 2, "21"),
        (("pin", DOMAIN, "high", *WHY), 2, "high"),
        (("pin", DOMAIN, 5, "--reason", " "), 1, "a reason is required"),
        (("cap", DOMAIN, *WHY), 2, "give LEVEL or --none"),
        (("cap", DOMAIN, 3, "--none", *WHY), 2, "give LEVEL or --none"),
        (("block", DOMAIN), 2, "--reason"),
        (("release", DOMAIN), 2, "--reason"),
        (("reset", DOMAIN), 2, "--reason"),
        (("block", "other.example", *WHY), 1, f"known are {DOMAIN}"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_changes_nothing(command, code, why, led, ses):
    done = ses("domain", *command)
    assert (done.code, done.out) == (code, "")
    assert why in done.err
    assert led.execute("SELECT kind FROM reputation_decision") == [("start",)]


@pytest.mark.parametrize("command", ["show", "pin", "unpin", "cap", "block", "release", "reset", "replay"])
def test_every_command_has_its_help_with_an_example(command, ses):
    done = ses("domain", command, "--help")
    assert done.code == 0
    assert f"ses domain {command} mail.example.com" in done.out


def test_a_replay_finds_again_what_was_decided_and_says_what_differs(led, ses, world):
    led.day(accepted=100, invalid_refused=400)
    judge_domain(world.conn, QuotaPlans.parse({DOMAIN: ENTRY})[DOMAIN])
    done = ses("domain", "replay", DOMAIN, "--days", 60)
    assert (done.code, done.err) == (0, "")
    assert f"{DOMAIN}: 2 of 2 decisions would be made again" in done.out
    assert done.out.count("attempted 1,500") == 4, "as it is stored, and as it is found"
    assert ses("domain", "replay", DOMAIN, "--json").json["agrees"] is True
    led.execute(
        "UPDATE reputation_decision SET figures = jsonb_set(figures, '{day,invalid_refused}', '999')"
        " WHERE kind = 'block'"
    )
    differs = ses("domain", "replay", DOMAIN)
    assert differs.code == 1
    assert "invalid_refused 999" in differs.out
    assert "invalid_refused 430" in differs.out
    assert f"{DOMAIN}: 1 of 2 decisions would be made again" in differs.out
    found = json.loads(ses("domain", "replay", DOMAIN, "--json").out)
    (wrong,) = [one for one in found["decisions"] if not one["agrees"]]
    assert (wrong["kind"], wrong["differences"]) == ("block", {"invalid_refused": {"stored": 999, "found": 430}})


def test_a_replay_of_a_calendar_alone_is_refused(ses):
    done = ses("domain", "replay", DOMAIN)
    assert (done.code, done.out) == (1, "")
    assert "the calendar alone leads" in done.err
