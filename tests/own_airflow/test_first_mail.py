"""From the wheel to the first mail in a team's own Airflow: the tests of this file are one story, in this order."""

from __future__ import annotations

import json

from tests.own_airflow.first_steps import connect_database, connect_relay, import_group, make_task, visible_dags
from tests.own_airflow.people import MAKER, PEOPLE, hire, log_in
from tests.own_airflow.role_rules import expected, pages, told
from tests.own_airflow.team_airflow import FOREIGN_DAG, OUR_BUNDLE

OUR_DAGS = {"ses_bounce_mailbox", "ses_maintenance", "ses_test_send"}
ADDRESSES = [f"reader-{number}@people.example" for number in range(1, 301)]


def test_the_wheel_changes_no_package_of_the_team(team, team_packages):
    now = team.environment.packages()
    assert {name: now.get(name) for name in team_packages} == team_packages
    assert now.keys() - team_packages.keys() == {"ses-ops"}


def test_all_dag_files_are_read_in_a_subfolder_of_a_bundle_with_another_name(team, admin):
    team.wait_for(lambda: {FOREIGN_DAG, *OUR_DAGS} <= visible_dags(admin), "DAGs of both bundles")
    errors = admin.api("GET", "/api/v2/importErrors").json()
    assert errors["total_entries"] == 0, errors
    found = admin.api("GET", "/api/v2/dags/ses_test_send").json()
    assert found["bundle_name"] == OUR_BUNDLE


def test_the_plugin_is_loaded_by_its_entry_point(admin):
    plugins = admin.api("GET", "/api/v2/plugins").json()["plugins"]
    (ours,) = [one for one in plugins if one["name"] == "ses_ops"]
    assert ours["source"].startswith("ses-ops"), ours["source"]
    assert admin.api("GET", "/api/v2/plugins/importErrors").json()["total_entries"] == 0


def test_before_there_is_a_connection_the_console_says_what_to_do_and_names_no_other_installation(team, admin):
    for path in ("/", "/tasks", "/groups", "/new-task"):
        page = admin.get(path)
        assert page.status_code == 503, path
        assert "ses_db" in page.text, path
        for foreign in ("make run", str(team.folder)):
            assert foreign not in page.text, (path, foreign)


def test_before_there_is_a_connection_ses_says_what_to_do_and_names_no_other_installation(team):
    done = team.ses("task", "list", check=False)
    assert done.returncode != 0
    assert "ses_db" in done.stdout + done.stderr
    assert "make run" not in done.stdout + done.stderr


def test_the_connection_form_offers_what_our_connections_need(admin):
    offered = {one["connection_type"] for one in admin.api("GET", "/ui/connections/hook_meta").json()}
    assert {"generic", "smtp"} <= offered


def test_ses_migrates_and_imports_a_group_by_the_connection_of_the_ui(team, admin):
    connect_database(team, admin)
    team.ses("migrate")
    import_group(team, "customers", ADDRESSES)
    assert team.rows("SELECT count(*) FROM recipient") == [(len(ADDRESSES),)]


def test_one_command_gives_the_roles_their_rights_and_makes_one_for_a_team(team, admin):
    team.ses("airflow-rights", "--team", MAKER)
    hire(admin)
    may_see_plugins = {name: log_in(team, name).api("GET", "/api/v2/plugins").status_code == 200 for name in PEOPLE}
    assert may_see_plugins == {name: name != "rita" for name in PEOPLE}, "Mail is in the navigation of these"


def test_who_may_read_one_foreign_dag_only_gets_nothing_from_any_page(team):
    reader = log_in(team, "rita")
    assert visible_dags(reader) == {FOREIGN_DAG}
    got = {route: told(reader.get(line.path).status_code) for route, line in pages().items()}
    assert got == {route: expected(line, "rita") for route, line in pages().items()}


def test_somebody_without_a_login_gets_nothing(anonymous):
    for path in ("/", "/tasks", "/groups", "/suppression"):
        assert anonymous.get(path).status_code == 401, path


def test_a_user_makes_a_task_in_the_console_and_every_mail_leaves_once(team, admin, mail_server):
    connect_relay(admin, mail_server)
    user = log_in(team, "ursula")
    make_task(user, "hello")
    assert FOREIGN_DAG in visible_dags(user)
    assert "send_task__hello" in visible_dags(user), "the DAG is not there when the answer comes"
    team.wait_for(lambda: "<p>Finished " in user.get("/tasks/hello").text, "end of the mailing")
    assert dict(mail_server.accepted) == dict.fromkeys(ADDRESSES, 1)
    assert user.api("GET", "/api/v2/dags/send_task__hello").json()["bundle_name"] == OUR_BUNDLE


def test_who_has_no_right_to_all_dags_sees_their_own_task_and_can_stop_it(team):
    maker = log_in(team, "mina")
    assert f'value="{MAKER}"' in maker.get("/new-task").text, "the maker's role is not filled in"
    make_task(maker, "years-ahead", type="scheduled", start_at="2099-01-01T09:00", roles=MAKER)
    assert visible_dags(maker) == {"ses_test_send", "send_task__years-ahead"}
    assert maker.get("/tasks/years-ahead").status_code == 200
    assert "/tasks/hello" not in maker.get("/tasks").text
    assert maker.post("/tasks/years-ahead/pause").status_code == 303
    assert maker.api("GET", "/api/v2/dags/send_task__years-ahead").json()["is_paused"]
    assert log_in(team, "rita").get("/tasks/years-ahead").status_code == 403


def test_ses_lists_the_tasks_and_the_doctor_finds_nothing(team):
    listed = json.loads(team.ses("task", "list", "--json").stdout)
    assert {one["name"]: one["status"] for one in listed} == {"hello": "finished", "years-ahead": "paused"}
    doctor = team.ses("doctor").stdout
    assert "the Airflow connection ses_db" in doctor
    # No mail comes back, and no page is there to unsubscribe on.
    not_set_up = ("warn  public ", "warn  bounces ")
    assert not [line for line in doctor.splitlines() if not line.startswith(("ok", *not_set_up))], doctor
