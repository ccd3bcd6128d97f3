"""Where `ses_db`, `ses_smtp` and the quota are found: as Airflow's workers find them, with the source of each."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ses_ops.airflow_connection import libpq_uri
from ses_ops.errors import ConnectionProblem, LookUpFailed, NotSetUp
from ses_ops.orchestration import connections
from ses_ops.orchestration.lookup import airflow_lookup

DB, SMTP, QUOTA = "AIRFLOW_CONN_SES_DB", "AIRFLOW_CONN_SES_SMTP", "AIRFLOW_VAR_SES_WARMUP_QUOTA"
HERE = "tests.dags.secrets_backend"


@pytest.fixture(autouse=True)
def nothing_set(airflow_db, monkeypatch):
    """An Airflow that knows nothing of us."""
    for name in (DB, SMTP, QUOTA, "AIRFLOW__SECRETS__BACKEND", "AIRFLOW__WORKERS__SECRETS_BACKEND"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def backend(monkeypatch) -> Callable[..., None]:
    """Names a secrets backend in Airflow's configuration."""

    def name(kind: str, section: str = "SECRETS__", **kwargs: Any) -> None:
        prefix = "SECRETS_" if section == "WORKERS__" else ""
        monkeypatch.setenv(f"AIRFLOW__{section}{prefix}BACKEND", kind if "." in kind else f"{HERE}.{kind}")
        monkeypatch.setenv(f"AIRFLOW__{section}{prefix}BACKEND_KWARGS", json.dumps(kwargs))

    return name


def made_in_airflow(conn_id: str, **fields: Any) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id=conn_id, **fields))


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "postgres": (
        {"conn_type": "postgres", "host": "h", "login": "u", "password": "p", "schema": "ses", "port": 5433},
        "postgresql://u:p@h:5433/ses",
    ),
    "generic": ({"conn_type": "generic", "host": "h", "login": "u", "schema": "ses"}, "postgresql://u@h/ses"),
    "a password with every sign": (
        {"conn_type": "generic", "host": "h", "login": "u@x", "password": "p%/@:?#[ ]&=+é", "schema": "a/b"},
        "postgresql://u%40x:p%25%2F%40%3A%3F%23%5B%20%5D%26%3D%2B%C3%A9@h/a%2Fb",
    ),
    "the folder of a socket": (
        {"conn_type": "generic", "host": "/tmp/Sock et", "login": "u", "schema": "ses"},
        "postgresql://u@%2Ftmp%2FSock%20et/ses",
    ),
    "IPv6": (
        {"conn_type": "postgres", "host": "fe80::1", "port": 5432, "schema": "ses"},
        "postgresql://[fe80::1]:5432/ses",
    ),
    "no host": ({"conn_type": "generic", "schema": "ses"}, "postgresql:///ses"),
    "extras": (
        {
            "conn_type": "postgres",
            "host": "h",
            "schema": "ses",
            "extra": '{"sslmode": "require", "keepalives": 1, "cursor": "dictcursor", "sqlalchemy_query": {"a": "b"}}',
        },
        "postgresql://h/ses?sslmode=require&keepalives=1",
    ),
}
by_form = pytest.mark.parametrize(("fields", "expected"), FORMS.values(), ids=FORMS)


def as_uri(conn_id: str, fields: dict[str, Any]) -> str:
    from airflow.models.connection import Connection

    return Connection(conn_id=conn_id, **fields).get_uri()


@by_form
def test_a_database_that_was_made_in_airflow_is_found_there(fields, expected):
    made_in_airflow("ses_db", **fields)
    assert connections.ses_db_dsn() == expected
    assert connections.ses_db().source == "the Airflow connection ses_db"


def test_what_is_made_by_airflows_pages_and_by_its_command_line_is_found(api, monkeypatch, ses_dsn):
    from airflow.cli.cli_parser import get_parser
    from airflow.cli.commands.connection_command import connections_add

    for name in (DB, SMTP):  # the fixtures of the API server set them
        monkeypatch.delenv(name, raising=False)
    form = {"connection_id": "ses_db", "conn_type": "generic", "host": "::1", "port": 5432, "schema": "ses"}
    made = api.post("/api/v2/connections", json={**form, "login": "u", "password": "p%/@:", "extra": "{}"})
    assert made.status_code == 201, made.text
    assert connections.ses_db_dsn() == "postgresql://u:p%25%2F%40%3A@[::1]:5432/ses"
    mail = ["connections", "add", "ses_smtp", "--conn-uri", "smtp://me:p%40ss@mail.example.com:587/?tls=starttls"]
    connections_add(get_parser().parse_args(mail))
    server = connections.smtp_settings()
    assert (server.address, server.login, server.password) == ("mail.example.com:587", "me", "p@ss")


@by_form
def test_a_database_in_the_environment_is_found_as_uri_and_as_json(fields, expected, monkeypatch):
    extra = {"extra": json.loads(fields["extra"])} if "extra" in fields else {}
    for text in (as_uri("ses_db", fields), json.dumps(fields), json.dumps(fields | extra)):
        monkeypatch.setenv(DB, text)
        assert connections.ses_db_dsn() == expected
    assert connections.ses_db().source == DB


@by_form
def test_a_database_in_a_secrets_backend_is_found_in_each_of_its_forms(
    fields, expected, backend, tmp_path, monkeypatch
):
    import yaml

    uri = as_uri("ses_db", fields)
    files = {
        "uri.json": json.dumps({"ses_db": uri}),
        "fields.json": json.dumps({"ses_db": fields}),
        "fields.yaml": yaml.safe_dump({"ses_db": fields}),
        "uri.env": f"ses_db={uri}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        local = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
        backend(local, connections_file_path=str(tmp_path / name))
        assert connections.ses_db_dsn() == expected, name
        assert connections.ses_db().source == "ses_db of the secrets backend LocalFilesystemBackend"
    (tmp_path / "ses_db").write_text(uri)
    backend("FolderBackend", folder=str(tmp_path))
    assert connections.ses_db_dsn() == expected
    monkeypatch.setenv("TEST_CONNECTIONS", json.dumps({"ses_db": fields}))
    backend("ReadsConnections")
    assert connections.ses_db_dsn() == expected


@pytest.mark.parametrize("kind", ["smtp", "generic", "email", ""])
def test_a_mail_server_of_each_type_that_airflows_form_offers_is_found(kind, monkeypatch):
    fields = {"conn_type": kind, "host": "mail.example.com", "login": "me", "password": "s/e:c@ret%", "port": 2525}
    made_in_airflow("ses_smtp", **fields, extra='{"connections": 7, "disable_ssl": true, "from_email": ""}')
    server = connections.smtp_settings()
    assert (server.address, server.login, server.password) == ("mail.example.com:2525", "me", "s/e:c@ret%")
    assert server.connections == 7
    assert connections.ses_smtp().source == "the Airflow connection ses_smtp"


WRONG = {
    "of another type": ("ses_db", {"conn_type": "mysql", "host": "h", "schema": "s"}, "'mysql' is not postgres"),
    "without a database": ("ses_db", {"conn_type": "generic", "host": "h"}, "names no database"),
    "with an extra that is no text": (
        "ses_db",
        {"conn_type": "generic", "host": "h", "schema": "s", "extra": '{"sslmode": ["a"]}'},
        "extra.sslmode: is not a text",
    ),
    "a mail server by HTTP": ("ses_smtp", {"conn_type": "http", "host": "h"}, "conn_type: 'http' is not smtp"),
    "a mail server without a host": ("ses_smtp", {"conn_type": "smtp"}, "host: is missing"),
    "an option that there is not": ("ses_smtp", {"conn_type": "smtp", "host": "h", "extra": '{"x": 1}'}, "extra.x: is"),
}


@pytest.mark.parametrize(("conn_id", "fields", "says"), WRONG.values(), ids=WRONG)
def test_an_error_names_the_place_where_the_connection_is(conn_id, fields, says, backend, tmp_path, monkeypatch):
    use = {"ses_db": connections.ses_db_dsn, "ses_smtp": connections.smtp_settings}[conn_id]
    variable = {"ses_db": DB, "ses_smtp": SMTP}[conn_id]

    def message() -> str:
        with pytest.raises(ConnectionProblem) as raised:
            use()
        return str(raised.value)

    monkeypatch.setenv(variable, json.dumps(fields))
    assert message().startswith(f"{variable}: {says}")
    monkeypatch.delenv(variable)
    (tmp_path / conn_id).write_text(json.dumps(fields))
    backend("FolderBackend", folder=str(tmp_path))
    assert message().startswith(f"{conn_id} of the secrets backend FolderBackend: {says}")
    (tmp_path / conn_id).unlink()
    backend("VariablesOnly")
    made_in_airflow(conn_id, **fields)
    assert message().startswith(f"the Airflow connection {conn_id}: {says}")


def test_the_order_is_secrets_backend_then_environment_then_airflows_database(backend, tmp_path, monkeypatch):
    made_in_airflow("ses_db", conn_type="generic", host="metadata", schema="ses")
    assert connections.ses_db_dsn() == "postgresql://metadata/ses"
    monkeypatch.setenv(DB, "postgres://environment/ses")
    assert connections.ses_db_dsn() == "postgresql://environment/ses"
    (tmp_path / "ses_db").write_text("postgres://vault/ses")
    backend("FolderBackend", folder=str(tmp_path))
    assert connections.ses_db_dsn() == "postgresql://vault/ses"


def test_a_backend_of_workers_is_asked_in_place_of_that_of_servers_which_is_asked_after_the_environment(
    backend, tmp_path, monkeypatch
):
    """As it is in a task: the worker's backend, its environment, then what the api-server knows."""
    for name in ("workers", "servers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ses_db").write_text(f"postgres://{name}/ses")
    backend("FolderBackend", folder=str(tmp_path / "servers"))
    assert connections.ses_db_dsn() == "postgresql://servers/ses"
    backend("FolderBackend", section="WORKERS__", folder=str(tmp_path / "workers"))
    assert connections.ses_db_dsn() == "postgresql://workers/ses"
    (tmp_path / "workers" / "ses_db").unlink()
    (tmp_path / "empty").mkdir()
    backend("FolderBackend", section="WORKERS__", folder=str(tmp_path / "empty"))
    assert connections.ses_db_dsn() == "postgresql://servers/ses"
    monkeypatch.setenv(DB, "postgres://environment/ses")
    assert connections.ses_db_dsn() == "postgresql://environment/ses"


def test_a_secrets_backend_that_is_away_is_not_taken_for_one_that_has_nothing(backend, monkeypatch):
    made_in_airflow("ses_db", conn_type="generic", host="another-server", schema="ses")
    monkeypatch.setenv(SMTP, "smtp://another-server")
    monkeypatch.setenv(QUOTA, "{}")
    backend("AwayBackend")
    for ask in (connections.ses_db_dsn, connections.smtp_settings, connections.quota_variable):
        with pytest.raises(LookUpFailed, match=r"secrets backend AwayBackend failed .*ConnectionError") as raised:
            ask()
        assert "hunter2" not in str(raised.value)
        assert "/etc" not in str(raised.value)


def test_a_secrets_backend_that_cannot_be_made_is_an_error_and_nothing_else_is_read(backend, monkeypatch):
    monkeypatch.setenv(DB, "postgres://another-server/ses")
    backend("FolderBackend", section="WORKERS__", no_such_argument=1)
    with pytest.raises(LookUpFailed, match=r"names in \[workers\] cannot be made \(TypeError\)"):
        connections.ses_db_dsn()
    backend("NoSuchBackend", section="WORKERS__")
    with pytest.raises(LookUpFailed, match=r"names in \[workers\] cannot be made"):
        connections.ses_db_dsn()


def test_a_file_of_secrets_that_cannot_be_read_is_an_error_too(backend, tmp_path):
    made_in_airflow("ses_db", conn_type="generic", host="another-server", schema="ses")
    (tmp_path / "broken.json").write_text("{ half a fi")
    local = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
    for file in ("broken.json", "none.json"):
        backend(local, connections_file_path=str(tmp_path / file))
        with pytest.raises((LookUpFailed, Exception)) as raised:
            connections.ses_db_dsn()
        assert isinstance(raised.value, LookUpFailed), raised.value
        assert str(tmp_path) not in str(raised.value)


def test_without_a_connection_the_words_are_those_of_airflow(monkeypatch):
    for ask, conn_id, variable in (
        (connections.ses_db_dsn, "ses_db", DB),
        (connections.smtp_settings, "ses_smtp", SMTP),
    ):
        with pytest.raises(NotSetUp) as raised:
            ask()
        words = str(raised.value)
        assert conn_id in words
        assert variable in words
        assert "Admin > Connections" in words
        assert "make run" not in words
        assert "SES_HOME" not in words


def test_a_connection_of_another_fernet_key_is_told_as_such(monkeypatch):
    from airflow.models.crypto import get_fernet
    from cryptography.fernet import Fernet

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    made_in_airflow("ses_db", conn_type="generic", host="h", schema="ses", password="secret")
    from airflow.models.variable import Variable

    Variable.set("ses_warmup_quota", "{}")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    try:
        with pytest.raises(ConnectionProblem, match=r"^the Airflow connection ses_db: .*Fernet key"):
            connections.ses_db_dsn()
        with pytest.raises(NotSetUp, match=r"^the Airflow Variable ses_warmup_quota: .*Fernet key"):
            connections.quota_variable()
    finally:
        get_fernet.cache_clear()


def test_the_quota_is_found_like_a_connection_and_an_edit_is_seen_at_once(backend, tmp_path, monkeypatch):
    from airflow.models.variable import Variable

    assert connections.quota_variable() is None
    Variable.set("ses_warmup_quota", '{"a.example": 1}')
    assert connections.quota_variable() == '{"a.example": 1}'
    Variable.set("ses_warmup_quota", '{"a.example": 2}')
    assert connections.quota_variable() == '{"a.example": 2}'
    assert airflow_lookup.fixed_variable("ses_warmup_quota") is None
    monkeypatch.setenv(QUOTA, "{}")
    assert connections.quota_variable() == "{}"
    (tmp_path / "ses_warmup_quota").write_text('{"vault.example": 1}')
    backend("FolderBackend", folder=str(tmp_path))
    found = airflow_lookup.fixed_variable("ses_warmup_quota")
    assert found is not None
    assert (found.value, found.source) == (
        '{"vault.example": 1}',
        "ses_warmup_quota of the secrets backend FolderBackend",
    )


def test_many_threads_ask_a_secrets_backend_once_and_a_change_is_seen_within_seconds(backend, tmp_path, monkeypatch):
    from ses_ops.orchestration.lookup.answer_cache import AnswerCache

    monkeypatch.setattr(airflow_lookup, "_KEPT", AnswerCache(kept_for=3600, timeout=60))
    (tmp_path / "ses_db").write_text("postgres://before/ses")
    backend("FolderBackend", folder=str(tmp_path))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(connections.ses_db_dsn())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["postgresql://before/ses"] * 16
    assert asked(tmp_path) == ["ses_db"]
    (tmp_path / "ses_db").write_text("postgres://after/ses")
    assert connections.ses_db_dsn() == "postgresql://before/ses"
    monkeypatch.setattr(airflow_lookup, "_KEPT", AnswerCache(kept_for=0))
    assert connections.ses_db_dsn() == "postgresql://after/ses"


def test_who_waits_for_a_secrets_backend_that_hangs_gives_up_soon():
    """Else it would hold all threads of Airflow's api-server, which has other pages too."""
    from ses_ops.orchestration.lookup.answer_cache import AnswerCache

    kept, hangs, answered = AnswerCache(kept_for=3600, timeout=0.05), threading.Event(), threading.Event()

    def ask() -> str:
        hangs.set()
        assert answered.wait(60)
        return "at last"

    thread = threading.Thread(target=lambda: kept.get("x", ask))
    thread.start()
    assert hangs.wait(60)
    with pytest.raises(LookUpFailed, match="has not said within"):
        kept.get("x", lambda: pytest.fail("it was asked twice at a time"))
    answered.set()
    thread.join()
    assert kept.get("x", lambda: "asked again") == "at last"


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().split()


def test_looking_up_a_connection_leaves_the_transaction_of_its_caller_alone(monkeypatch):
    """A listener of ours is called in the midst of Airflow's own work on the same thread."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    made_in_airflow("ses_db", conn_type="generic", host="h", schema="ses")
    with create_session() as session:
        session.add(Variable(key="half", val="done"))
        session.flush()
        assert connections.ses_db_dsn() == "postgresql://h/ses"
        session.rollback()
    assert Variable.get("half", default_var=None) is None


def test_what_airflow_made_of_any_connection_is_read_as_it_was_meant():
    from airflow.models.connection import Connection
    from hypothesis import given
    from hypothesis import strategies as st

    from ses_ops.airflow_connection import read_connection

    text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
    words = st.text("abcXYZ/.:-_% é@", min_size=1, max_size=12).filter(lambda one: "://" not in one)

    @given(
        login=text,
        password=text,
        host=st.text("abcXYZ/.-_:", min_size=1, max_size=12),
        schema=st.text("ab Z%/é", min_size=1),
    )
    def same_as_airflow(login, password, host, schema):
        """The URI of whatever Airflow accepts is read as Airflow reads it; IPv6 and the folder of a socket among it."""
        made = Connection(conn_id="x", conn_type="postgres", login=login, password=password, host=host, schema=schema)
        try:
            theirs = Connection(conn_id="x", uri=made.get_uri())
        except Exception:  # a host that is no host
            return
        ours = read_connection(made.get_uri(), "x")
        assert (ours.login, ours.password, ours.host) == (theirs.login or "", theirs.password or "", theirs.host or "")

    same_as_airflow()

    @given(login=text, password=text, host=words, schema=words, port=st.none() | st.integers(1, 65535))
    def same(login, password, host, schema, port):
        made = Connection(
            conn_id="ses_db",
            conn_type="postgres",
            login=login or None,
            password=password or None,
            host=host,
            schema=schema,
            port=port,
        )
        assert read_connection(made.as_json(), "x").host == host
        read = read_connection(made.as_json(), "x")
        assert (read.login, read.password, read.schema, read.port) == (login, password, schema, port)
        assert libpq_uri(read).startswith("postgresql://")

    same()
