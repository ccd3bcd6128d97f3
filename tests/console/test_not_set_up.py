"""The console of an installation that is not ready: every page says with 503 what to do, and no page shows a path."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.console.console_world import OWN_PAGE, visible_text
from tests.console.japanese_page import JAPANESE
from tests.console.test_access import LINES, send

DB = "AIRFLOW_CONN_SES_DB"
#: What is there without a database, questions, and forms without the file that they are about: what each answers.
WITHOUT_DATABASE = {
    "GET /static/{name:path}": 200,
    "GET /first-steps/preview": 303,
    "POST /callbacks/{endpoint}/remove": 200,
    "POST /callbacks/{endpoint}/rotate": 200,
    "POST /groups/{name}/look": 400,
    "POST /new-group/look": 400,
}


def not_set(world, postgres, monkeypatch) -> str:
    monkeypatch.delenv(DB)
    return "Admin > Connections"


def unreachable(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv(DB, "postgres://ses@127.0.0.1:1/ses")
    return "cannot connect to the ses database"


def without_its_socket(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv(DB, "postgres://ses@%2Fvar%2Fsecret%2Fplace/ses")
    return "cannot connect to the ses database"


def of_another_type(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv(DB, "mysql://h/ses")
    return "AIRFLOW_CONN_SES_DB: 'mysql' is not postgres"


def with_an_extra_that_libpq_does_not_know(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv(DB, world.dsn + ("&" if "?" in world.dsn else "?") + "no_such_option=1")
    return "the connection to the ses database cannot be used"


def without_tables(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv(DB, postgres.dsn(postgres.new_database()))
    return "the ses database has no tables yet"


def of_an_older_version(world, postgres, monkeypatch) -> str:
    world.execute("UPDATE ses_schema_version SET version_num = '0010'")
    return "the ses database has an older version's schema"


def of_a_newer_version(world, postgres, monkeypatch) -> str:
    world.execute("UPDATE ses_schema_version SET version_num = '9999'")
    return "install that version of ses-ops"


def in_a_secrets_backend_that_is_away(world, postgres, monkeypatch) -> str:
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "tests.dags.secrets_backend.AwayBackend")
    return "the secrets backend AwayBackend failed when it was asked for"


STATES: tuple[Callable[..., str], ...] = (
    not_set,
    unreachable,
    without_its_socket,
    of_another_type,
    with_an_extra_that_libpq_does_not_know,
    without_tables,
    of_an_older_version,
    of_a_newer_version,
    in_a_secrets_backend_that_is_away,
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_page_says_what_to_do_when_the_database_is(state, world, postgres, monkeypatch, admin):
    from ses_ops.console.database import close_idle

    world.seed("hello")
    close_idle()
    words = state(world, postgres, monkeypatch)
    others = {}
    for route, line in sorted(LINES.items()):
        answer = send(admin, route, line, OWN_PAGE)
        text = visible_text(answer.text)
        if answer.status_code != 503 or words not in text:
            others[route] = answer.status_code
        for path in ("/var/", "/etc/", str(world.templates.parent)):
            assert path not in text, (route, text)
        assert "make run" not in text
        assert "SES_HOME" not in text
    assert others == WITHOUT_DATABASE


def test_it_is_said_in_japanese_too(world, monkeypatch, admin):
    from ses_ops.console.language import language

    monkeypatch.delenv(DB)
    answer = admin.get("/tasks", headers=JAPANESE)
    assert answer.status_code == 503
    assert language("ja").gettext("This installation is not ready yet") in answer.text
    assert "接続 ses_db がありません" in answer.text


def test_a_database_that_was_migrated_meanwhile_is_used_at_once(world, monkeypatch, admin, postgres):
    from ses_ops.storage.migrate import upgrade

    dsn = postgres.dsn(postgres.new_database())
    monkeypatch.setenv(DB, dsn)
    assert admin.get("/tasks").status_code == 503
    upgrade(dsn)
    assert admin.get("/tasks").status_code == 200


def test_a_database_that_was_made_in_airflow_is_used_without_a_restart(world, monkeypatch, admin):
    """Found in Airflow's database at the first request after it was made; an answer is kept for seconds only."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    from ses_ops.orchestration.lookup import airflow_lookup
    from ses_ops.orchestration.lookup.answer_cache import KEPT_FOR, AnswerCache

    assert KEPT_FOR <= 10
    monkeypatch.delenv(DB)
    assert admin.get("/tasks").status_code == 503
    with create_session() as session:
        session.add(Connection(conn_id="ses_db", uri=world.dsn))
    monkeypatch.setattr(airflow_lookup, "_KEPT", AnswerCache())
    world.seed("hello")
    assert "hello" in admin.text("/tasks")


def test_where_a_secrets_backend_sets_the_quota_it_is_not_edited_here(world, monkeypatch, admin, tmp_path):
    (tmp_path / "ses_warmup_quota").write_text("{}")
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "tests.dags.secrets_backend.FolderBackend")
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps({"folder": str(tmp_path)}))
    assert "The quota is set by the secrets backend FolderBackend" in admin.text("/domains")
    answer = admin.post("/domains/mail.example.com", step="preview")
    assert answer.status_code == 409
    assert "secrets backend" in visible_text(answer.text)
