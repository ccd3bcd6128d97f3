"""`ses restore`, `ses doctor` and `ses migrate` on a ledger that is not where it sent last."""

from __future__ import annotations

import json

import pytest

from ses_ops.domain.occurrence import RunKind
from ses_ops.storage.connection import connected
from ses_ops.storage.restore import home
from tests.integration.sending_world import quota


@pytest.fixture
def restored(world):
    """A task with 30 of 50 messages to be sent, and a ledger that says it was in another database before."""
    world.group("customers", 50)
    world.task("sale", group="customers")
    world.quota_variable = quota(20)
    world.whole_run(world.run("sale"))
    world.execute("UPDATE ledger_home SET database_oid = 1, seen_at = now() - interval '3 hours'")
    world.execute("UPDATE send_task SET created_at = now() - interval '1 day', updated_at = created_at")
    return world


def line(ses, state: str) -> str:
    """What the doctor says of it; other checks fail here, as there is no Airflow."""
    checks = [one for one in json.loads(ses("doctor", "--json").out) if one["name"] == "restore"]
    (found,) = [one for one in checks if one["state"] == state]
    return found["text"]


def test_the_doctor_says_it_until_a_person_has_spoken(restored, ses):
    assert "restored from a backup" in line(ses, "FAIL")
    assert "restored from a backup" in ses("migrate").err
    assert ses("restore", "--yes").code == 0
    assert "restored last at" in line(ses, "ok")
    assert ses("migrate").err == ""


def test_a_dry_run_says_what_the_command_then_does(restored, ses):
    planned = ses("restore", "--dry-run", "--json").json
    assert planned["needed"] is True
    assert planned["unknown"] == {"sale": 30}
    assert planned["id"] is None
    assert restored.overview("sale").unknown_count == 0
    done = ses("restore", "--json").json
    assert done["unknown"] == planned["unknown"]
    assert done["id"] == 1
    assert restored.overview("sale").unknown_count == 30
    assert ses("restore", "--json").json["needed"] is False
    (listed,) = ses("restore", "--list", "--json").json
    assert (listed["bulk"], listed["single"], listed["nothing_was_sent"]) == (30, 0, False)


def test_people_read_what_is_to_be_done(restored, ses):
    said = ses("restore").out
    assert "sale" in said
    assert "30" in said
    assert "ses task resolve-unknown sale" in said
    assert "Idempotency-Key" in said
    assert "nothing to do" in ses("restore").out
    assert "backup of" in ses("restore", "--list").out


def test_the_relays_log_settles_it(restored, ses, tmp_path, mail_server):
    ses("restore")
    (tmp_path / "relay.log").write_text(
        "to=<customers-21@customers.example> sent\nto=<Customers-22@customers.example>\n"
    )
    assert (
        "2 messages in doubt count as sent now, 28 will be sent again"
        in ses("task", "resolve-unknown", "sale", "--delivered", "relay.log").out
    )
    assert ses("task", "resolve-unknown", "sale", "--delivered", "relay.log", "--resend").code == 2
    restored.quota_variable = quota(1_000)
    restored.whole_run(restored.run("sale", RunKind.RESUME))
    assert "customers-21@customers.example" not in mail_server.accepted
    assert mail_server.total == 48


def test_nothing_was_sent(restored, ses):
    assert "nothing is in doubt" in ses("restore", "--nothing-was-sent").out
    assert restored.overview("sale").unknown_count == 0
    assert "sale" not in ses("restore", "--list").out


def test_what_is_no_time_is_refused(restored, ses):
    assert ses("restore", "--until", "soon").code == 2
    assert "has not come yet" in ses("restore", "--until", "2090-01-01").err
    assert "cannot have stopped" in ses("restore", "--until", "2020-01-01").err
    assert restored.rows("SELECT count(*)::int FROM ledger_restore") == [(0,)]


def test_the_first_migration_claims_the_place(world, ses):
    assert world.rows("SELECT count(*)::int FROM ledger_home") == [(0,)]
    assert ses("migrate").err == ""
    assert world.rows("SELECT count(*)::int FROM ledger_home") == [(1,)]
    assert ses("restore").code == 0


@pytest.mark.parametrize("may_ask", [True, False])
def test_a_role_without_rights_can_tell_its_place(world, postgres, may_ask):
    """PostgreSQL lets everybody ask who the server is; one that does not is told apart by its databases and tables."""
    role = f"app_{world.dsn.partition('@/')[2].partition('?')[0]}"
    name = world.dsn.partition("@/")[2].partition("?")[0]
    world.execute(f"CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        if not may_ask:
            world.execute(
                "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;"
                "REVOKE EXECUTE ON FUNCTION pg_control_checkpoint() FROM PUBLIC"
            )
        with connected(postgres.dsn(name).replace("postgres@", f"{role}@")) as conn:
            home.claim(conn)
            found = home.look(conn)
            assert found is not None
            assert (found.here, found.identity_known, found.timeline_changed) == (True, may_ask, False)
            conn.rollback()
    finally:
        world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
