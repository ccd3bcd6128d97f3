"""The team's PostgreSQL: reached over TCP, by roles that are no superusers and have passwords with odd characters."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from tests.acceptance.stack_process import free_port
from tests.postgres_server import PostgresServer

#: Every character that a URI, an INI file, a template or a shell could mistake for its own.
PASSWORD = "p@ss:w/rd%20 $x{y}#?&'é"


@dataclass
class TeamPostgres(PostgresServer):
    """Two databases, `airflow` and `ses`, each of a role with its own name."""

    @classmethod
    def create(cls) -> TeamPostgres:
        settings = {"listen_addresses": "127.0.0.1", "port": str(free_port())}
        server = super().create(settings)
        assert isinstance(server, TeamPostgres)
        by_socket = "local all all trust\n"
        (server.folder / "data" / "pg_hba.conf").write_text(f"{by_socket}host all all 127.0.0.1/32 scram-sha-256\n")
        return server

    @property
    def port(self) -> int:
        return int(self.settings["port"])

    def dsn(self, database: str = "postgres") -> str:
        """For the superuser, by the socket."""
        return f"{super().dsn(database)}&port={self.port}"

    def start(self) -> None:
        super().start()
        literal = PASSWORD.replace("'", "''")
        for name in ("airflow", "ses"):
            self.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{literal}'")
            self.execute(f"CREATE DATABASE {name} OWNER {name}")

    @property
    def metadata_uri(self) -> str:
        """What the team has in its airflow.cfg."""
        return f"postgresql+psycopg2://airflow:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/airflow"

    def connection(self, connection_id: str = "ses_db") -> dict[str, object]:
        """The fields of Airflow's connection form for our database; without its provider, `postgres` is not offered."""
        return {
            "connection_id": connection_id,
            "conn_type": "generic",
            "host": "127.0.0.1",
            "port": self.port,
            "schema": "ses",
            "login": "ses",
            "password": PASSWORD,
        }
