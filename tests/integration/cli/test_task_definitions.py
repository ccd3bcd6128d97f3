"""`ses task apply` with definitions that are wrong: everything is said at once, and nothing is stored."""

from __future__ import annotations

import pytest

RECURRING = {"type": "recurring", "start_at": "2099-12-01 09:00", "every": "1d"}


def test_faults_of_yaml_of_fields_and_of_what_is_in_the_database_are_said_together(ses, world, sale, tmp_path):
    world.group("customers", 3)
    sale("good", file="tasks/a.yaml")
    sale("quote", file="tasks/b.yaml", subject="{{ first }}")
    sale("fields", file="tasks/c.yaml", every="often", on_unknown="guess")
    sale("group", file="tasks/d.yaml", group="nix")
    sale("template", file="tasks/e.yaml", template="nix")
    (tmp_path / "tasks" / "f.yaml").write_text("name: [")
    refused = ses("task", "apply", tmp_path / "tasks")
    assert refused.code == 1
    folder = tmp_path / "tasks"
    assert refused.out == ""
    told = [line.removeprefix(f"ses: error: {folder}/").partition(": ") for line in refused.err.splitlines()]
    assert sorted(file for file, _, _ in told) == ["b.yaml", *["c.yaml"] * 3, "d.yaml", "e.yaml", "f.yaml"]
    assert 'quote it: subject: "{{ first }}"' in refused.err
    assert "there is no recipient group 'nix'" in refused.err
    assert "there is no template named 'nix'" in refused.err
    assert "unexpected" not in refused.err
    assert ses("task", "list", "--json").json == []


def test_what_the_files_say_is_told_when_the_database_is_away(ses, world, sale, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SES_DB", "postgresql://nobody@127.0.0.1:1/nothing")
    refused = ses("task", "apply", sale(subject="{{ first }}"))
    assert refused.code == 1
    assert "quote it" in refused.err
    assert "cannot connect to the ses database" in refused.err


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": "9999-12-31 23:59"}, "until"),
        ({"until": "9999-12-31T23:59:59+00:00"}, "until"),
        ({"until": "0001-01-01"}, "until"),
        ({"start_at": "0001-01-01"}, "start_at"),
        ({"start_at": "9998-01-01"}, "start_at"),
        ({"start_at": "9999-12-31", "every": None, "cron": '"0 0 1 1 *"'}, "start_at"),
        ({"every": "99999d"}, "every"),
        ({"every": "50000d"}, "every"),
        ({"every": None, "cron": "R R * * *"}, "cron"),
        ({"every": None, "cron": '"0 9 25 12 *"', "until": "2099-12-20"}, "until"),
        ({"every": None, "cron": '"0 9 25 12 *"', "start_at": "2200-12-26"}, "cron"),
        ({"start_grace": "999999d"}, "start_grace"),
    ],
)
def test_what_is_far_away_is_one_sentence_with_file_and_field_and_stores_nothing(
    ses, world, sale, zone, changes, field
):
    world.group("customers", 3)
    path = sale(**{**RECURRING, "time_zone": zone, **changes})
    for command in (["--check"], [], ["--json"]):
        refused = ses("task", "apply", *command, path)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith(f"ses: error: {path}: {field}: "), refused.err
        assert refused.err.count("\n") == 1
    assert world.rows("SELECT count(*) FROM send_task") == [(0,)]


def test_a_command_that_fails_when_it_answers_has_stored_nothing(ses, world, sale, monkeypatch):
    """Whatever is wrong with showing a task: it is found out before the transaction ends."""
    world.group("customers", 3)
    monkeypatch.setattr("ses_ops.domain.schedule.Schedule.describe", lambda self: 1 / 0)
    refused = ses("task", "apply", sale(**RECURRING))
    assert refused.code == 1
    assert world.rows("SELECT count(*) FROM send_task") == [(0,)]


@pytest.mark.parametrize("until", ["2099-12-03", '"2099-12-03"'])
def test_an_end_that_is_a_day_is_the_whole_day(ses, world, sale, until):
    world.group("customers", 3)
    path = sale(**{**RECURRING, "until": until, "time_zone": "Asia/Tokyo"})
    applied = ses("task", "apply", path)
    assert "Every day from 2099-12-01 09:00 Asia/Tokyo until the end of 2099-12-03" in applied.out
    assert "Thu 2099-12-03 09:00 (Asia/Tokyo)" in applied.out
    assert ses("task", "apply", path, "--json").json[0]["applied"] == "unchanged"
    assert len(ses("task", "show", "sale", "--json").json["next_starts"]) == 3


def test_an_expiry_of_a_suppression_is_within_time(ses):
    far = ses("suppression", "add", "a@b.example", "--expires", "9999-12-31T23:59:59-12:00")
    assert far.code == 1
    assert far.err == "ses: error: --expires: '9999-12-31T23:59:59-12:00' is not in the years from 1970 to 2200\n"


def test_all_mistakes_of_a_file_are_told_at_once_with_what_was_meant(ses, world, tmp_path):
    """Of its YAML, its fields, and the things that it names: nobody mends one to be told of the next."""
    world.group("customers", 1)
    (tmp_path / "bad.yaml").write_text(
        "name: sale\ntype: recuring\ntime_zone: Europe/Berln\ntemplate: helo\nsendr: news@mail.example.com\n"
        "group: custmers\nreply_to: nope\nstart_at: 2090-13-01 10:00\n"
    )
    answer = ses("task", "apply", "bad.yaml")
    assert answer.code == 1
    for words in (
        "sendr: unknown key; did you mean sender?",
        "(line 2); did you mean recurring?",
        "(line 3); did you mean Europe/Berlin?",
        "there is no template named 'helo'; there are hello (line 4); did you mean hello?",
        "`ses group import custmers FILE.csv` makes it (line 6); did you mean customers?",
        "reply_to: 'nope' has no @ (line 7)",
        "'2090-13-01 10:00' is not a time",
    ):
        assert words in answer.err, answer.err
    assert ses("task", "list", "--json").json == []


def test_a_command_or_a_name_that_does_not_exist_comes_with_the_one_that_was_meant(ses, world):
    world.group("customers", 1)
    world.task("sale", group="customers")
    for arguments, words in (
        (("taks", "list"), "No such command 'taks'; did you mean task?"),
        (("task", "shwo", "sale"), "did you mean show?"),
        (("task", "list", "--statsu", "paused"), "Did you mean '--status'?"),
        (("task", "show", "sael"), "did you mean sale?"),
        (("task", "pause", "sales"), "did you mean sale?"),
        (("group", "show", "custommers"), "did you mean customers?"),
    ):
        answer = ses(*arguments)
        assert answer.code != 0
        assert words in answer.err, answer.err
    assert "did you mean" not in ses("task", "show", "quite-different").err


def test_what_is_tracked_comes_from_the_file_with_warnings_of_what_nobody_could_measure(ses, world, sale, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "http://mail.example.com")
    world.group("customers", 3)
    path = sale(track="{opens: true, clicks: true}")
    applied = ses("task", "apply", path)
    assert applied.code == 0, applied.err
    assert world.rows("SELECT track_opens, track_clicks FROM send_task") == [(True, True)]
    assert "send task 'sale': SES_PUBLIC_URL is not https" in applied.err
    assert "its mail has no link that can be tracked: its clicks are not measured" in applied.err
    assert "opens are not measured" not in applied.err
    assert ses("task", "apply", path, "--json").json[0]["applied"] == "unchanged"
    monkeypatch.delenv("SES_PUBLIC_URL")
    refused = ses("task", "apply", path)
    assert refused.code == 1
    assert "sale.yaml: track: opens and clicks need the address" in refused.err + refused.out
    assert ses("task", "apply", sale(track="{opens: maybe}")).code == 1
    assert ses("task", "apply", sale()).code == 0
    assert world.rows("SELECT track_opens, track_clicks FROM send_task") == [(None, None)]
