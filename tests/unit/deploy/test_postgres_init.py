"""deploy/postgres-init.sh on a real PostgreSQL: what the postgres image runs at its first start."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import subprocess

import psycopg2
import pytest

from tests.postgres_server import PostgresServer

AWKWARD = 'it\'s a "pass\\word" $HOME :x'


@pytest.fixture(scope="module")
def server():
    server = PostgresServer.create()
    server.start()
    yield server
    server.stop("immediate")
    server.remove()


@pytest.fixture(scope="module")
def initialised(server):
    script = os.path.join(os.path.dirname(__file__), "..", "..", "..", "deploy", "postgres-init.sh")
    environment = {
        "PATH": f"{server.programs}:{os.environ['PATH']}",
        "PGHOST": str(server.folder),
        "POSTGRES_USER": server.user,
        "SES_AIRFLOW_DB_PASSWORD": AWKWARD,
        "SES_DB_PASSWORD": "other",
    }
    result = subprocess.run(["sh", script], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return server


def connect(server: PostgresServer, role: str, database: str):
    return psycopg2.connect(host=str(server.folder), user=role, dbname=database)


@pytest.mark.parametrize("name", ["airflow", "ses"])
def test_each_role_can_make_tables_in_the_database_of_its_name(initialised, name):
    with connect(initialised, name, name) as conn, conn.cursor() as cursor:
        cursor.execute("CREATE TABLE probe (id int)")
        cursor.execute("SHOW server_encoding")
        assert cursor.fetchone() == ("UTF8",)


@pytest.mark.parametrize(("role", "database"), [("airflow", "ses"), ("ses", "airflow")])
def test_neither_role_can_enter_the_other_database(initialised, role, database):
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        connect(initialised, role, database)


def test_a_password_of_any_characters_is_stored_as_it_is(initialised):
    # SCRAM: the server proves it by deriving its key again from the salt it kept.
    with connect(initialised, initialised.user, "postgres") as conn, conn.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'airflow'")
        assert stored_password_matches(cursor.fetchone()[0], AWKWARD)


def stored_password_matches(verifier: str, password: str) -> bool:
    """Whether `SCRAM-SHA-256$iterations:salt$stored:server` (RFC 5803) was made from this password."""

    _, parameters, keys = verifier.split("$")
    iterations, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()
