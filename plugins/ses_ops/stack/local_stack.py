"""The local stack of `make run`: checks, start in order, sample data, progress, stop."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import psycopg2
from psycopg2.extensions import connection as Connection

from ses_ops import api_settings, settings
from ses_ops.errors import DatabaseUnavailable, SesError
from ses_ops.stack import api_service, sample_data
from ses_ops.stack.airflow_database import airflow_is_migrated, note_migrated
from ses_ops.stack.airflow_environment import (
    Addresses,
    airflow_settings,
    component_environment,
    further_users,
    local_host,
)
from ses_ops.stack.display import Display, Welcome
from ses_ops.stack.generated_secrets import WEB_USER, GeneratedSecrets, load_or_generate
from ses_ops.stack.leftovers import end_leftovers
from ses_ops.stack.places import Places, only_one, write_private_json
from ses_ops.stack.ports import WantedPort, check_ports
from ses_ops.stack.postgres import EmbeddedPostgres
from ses_ops.stack.supervisor import ComponentDied, StopRequested, Supervisor
from ses_ops.stack.web_client import WebClient
from ses_ops.storage import migrate
from ses_ops.storage.connection import connect
from ses_ops.storage.tasks import overview
from ses_ops.transports.smtp.settings import smtp_settings_from_connection_uri

LOOPBACK = "127.0.0.1"
AIRFLOW_DATABASE_SETTING = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
#: Seconds that Airflow's components may take to become healthy; 25-30 measured on two cores.
HEALTHY_WITHIN = 300.0
#: Seconds between two queries of the send tasks.
REFRESH = 1.0


@dataclass(kw_only=True)
class LocalStack:
    """The stack of one `make run`."""

    places: Places
    display: Display
    #: External servers as the person named them; None where the embedded server is used.
    external_ses_db: str | None
    external_smtp: str | None
    external_airflow_db: str | None
    web_host: str
    web_port: int
    smtp_port: int
    mailbox_port: int
    public_host: str
    public_port: int
    bounce_host: str
    bounce_port: int
    api_host: str
    api_port: int
    db_port: int | None
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def from_environment(cls, display: Display) -> LocalStack:
        """Read and check every setting. Raises InvalidInput that names the invalid setting."""

        def given(name: str) -> str | None:
            return os.environ.get(name, "").strip() or None

        if external := given(settings.SES_DB):
            settings.libpq_uri(external)
        if external := given(settings.SES_SMTP):
            smtp_settings_from_connection_uri(external)
        if settings.checkout() is None:
            raise SesError(
                "the stack of `make run` is started from a checkout of ses-ops; this is an installed package, which "
                "works in an Airflow of your own (docs/own-airflow.md)"
            )
        settings.sample_wanted()
        if not given(settings.SES_SMTP) and find_spec("aiosmtpd") is None:
            raise SesError("the package aiosmtpd is not installed: run `make install`")
        return cls(
            places=Places(home=settings.ses_home()),
            display=display,
            external_ses_db=given(settings.SES_DB),
            external_smtp=given(settings.SES_SMTP),
            external_airflow_db=given(AIRFLOW_DATABASE_SETTING),
            web_host=settings.web_host(),
            web_port=settings.web_port(),
            smtp_port=settings.smtp_port(),
            mailbox_port=settings.mailbox_port(),
            public_host=settings.public_host(),
            public_port=settings.public_port(),
            bounce_host=settings.bounce_host(),
            bounce_port=settings.bounce_port(),
            api_host=api_settings.api_host(),
            api_port=api_settings.api_port(),
            db_port=settings.db_port(),
        )

    def run(self) -> None:
        """Start all components, watch them, stop all of them. Raises SesError when a component or a check fails."""
        self.places.create()
        with only_one(self.places):
            supervisor = Supervisor(self.places)
            supervisor.take_signals()
            try:
                self._run(supervisor)
            except StopRequested:
                pass
            finally:
                self.display.close()
                settings.stack_file().unlink(missing_ok=True)
                supervisor.stop(self.display.step)

    def _run(self, supervisor: Supervisor) -> None:
        settings.stack_file().unlink(missing_ok=True)
        if ended := end_leftovers(self.places):
            self.display.step(f"Ended {ended} processes that an earlier run had left behind")
        check_ports(self._wanted_ports())
        secrets = load_or_generate(self.places.secrets, further_users(os.environ))
        addresses = self._start_database(supervisor, secrets)
        own = airflow_settings(self.places, addresses, secrets) | self._own_settings()
        env = component_environment(os.environ, own, self.places)
        self._start_mailbox(supervisor, env)
        db_dsn = settings.libpq_uri(addresses.ses_db)
        self._migrate(supervisor, env, db_dsn)
        self._start_listeners(supervisor, env)
        client = WebClient(addresses.web_url, WEB_USER, secrets.web_password)
        self._start_airflow(supervisor, env, client)
        described = {name: value for name, value in env.items() if name in own or name.startswith("AIRFLOW")}
        self._describe(addresses, described | {"SES_HOME": str(self.places.home)})
        loaded = sample_data.load(db_dsn, client)
        notes = (*_note_of_users(secrets), *loaded.notes, *self._start_api(supervisor, env, db_dsn, loaded.variable))
        self._welcome(addresses, secrets, notes)
        if loaded.tasks:
            self._make_dags(supervisor, env, loaded.tasks)
        self._watch(supervisor, db_dsn)

    def _wanted_ports(self) -> list[WantedPort]:
        web = WantedPort(setting="SES_WEB_PORT", host=self.web_host, port=self.web_port, purpose="web page")
        public = WantedPort(
            setting="SES_PUBLIC_PORT", host=self.public_host, port=self.public_port, purpose="unsubscribe page"
        )
        bounces = WantedPort(setting="SES_BOUNCE_PORT", host=self.bounce_host, port=self.bounce_port, purpose="bounces")
        api = WantedPort(setting="SES_API_PORT", host=self.api_host, port=self.api_port, purpose="API")
        wanted = [web, public, bounces, api]
        if self.external_smtp is None:
            smtp = ("SES_SMTP_PORT", self.smtp_port, "mailbox")
            page = ("SES_MAILBOX_PORT", self.mailbox_port, "mailbox page")
            wanted += [WantedPort(setting=a, host=LOOPBACK, port=b, purpose=c) for a, b, c in (smtp, page)]
        if self.db_port is not None and self._needs_postgres():
            wanted.append(WantedPort(setting="SES_DB_PORT", host=LOOPBACK, port=self.db_port, purpose="PostgreSQL"))
        return wanted

    def _needs_postgres(self) -> bool:
        return self.external_ses_db is None or self.external_airflow_db is None

    def _start_database(self, supervisor: Supervisor, secrets: GeneratedSecrets) -> Addresses:
        airflow, ses = self.external_airflow_db, self.external_ses_db
        if self._needs_postgres():
            self.display.step("Starting PostgreSQL ...")
            postgres = EmbeddedPostgres(
                data=self.places.postgres,
                log=self.places.logs / "postgres.log",
                port=self.db_port,
                password=secrets.database_password,
                checkpoint=supervisor.checkpoint,
            )
            supervisor.start_postgres(postgres)
            airflow = airflow or postgres.dsn("airflow").replace("postgresql://", "postgresql+psycopg2://", 1)
            ses = ses or postgres.dsn("ses")
            if self.db_port:
                self.display.step(f"PostgreSQL also on {LOOPBACK}:{self.db_port}, password in {self.places.secrets}")
        assert airflow is not None
        assert ses is not None
        return Addresses(
            web_host=self.web_host,
            web_port=self.web_port,
            airflow_database=airflow,
            ses_db=ses,
            ses_smtp=self.external_smtp or f"smtp://{LOOPBACK}:{self.smtp_port}/?tls=none",
        )

    def _start_mailbox(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        if self.external_smtp is not None:
            return
        command = [sys.executable, "-m", "ses_ops.stack.mailbox.server", "--folder", str(self.places.mailbox)]
        command += ["--smtp-port", str(self.smtp_port), "--web-port", str(self.mailbox_port)]
        # Where the simulator's addresses answer to.
        command += ["--bounce-port", str(self.bounce_port), "--public-url", env["SES_PUBLIC_URL"]]
        supervisor.start("mailbox", command, env)

    def _start_listeners(self, supervisor: Supervisor, env: dict[str, str]) -> None:
        for name in ("public", "bounces"):
            command = [sys.executable, "-m", "ses_ops.cli.main", "listen", name]
            supervisor.start(f"{name}-listener", command, env)
        supervisor.start("callback-deliverer", [sys.executable, "-m", "ses_ops.cli.main", "deliver", "callbacks"], env)

    def _start_api(
        self, supervisor: Supervisor, env: dict[str, str], db_dsn: str, variable: str | None
    ) -> Sequence[str]:
        """Start the API when Airflow has what it asks for; returns the notes about it."""
        if variable is not None:
            api_service.copy_quota(db_dsn, env, variable)
        supervisor.start("api", [sys.executable, "-m", "ses_ops.cli.main", "listen", "api"], env)
        if said := api_service.wait_until_ready(local_host(self.api_host), self.api_port, supervisor.pause):
            self.display.step(f"The API is not ready yet: {said}")
        return api_service.first_key(db_dsn, env)

    def _own_settings(self) -> dict[str, str]:
        """Settings that all components share. A receiver of callbacks on this machine is what a person tries first."""
        allowed = os.environ.get("SES_CALLBACK_ALLOW") or "127.0.0.0/8 ::1"
        shown = {"SES_PUBLIC_URL": self._public_url(), "SES_API_URL": self._api_url()}
        return {**shown, "SES_CALLBACK_ALLOW": allowed}

    def _api_url(self) -> str:
        """What the person set, or the address of the API for a program on this machine."""
        return api_settings.api_url() or f"http://{local_host(self.api_host)}:{self.api_port}"

    def _public_url(self) -> str:
        """What the person set, or the address of the listener for a person at this machine."""
        return settings.public_url() or f"http://{local_host(self.public_host)}:{self.public_port}"

    def _migrate(self, supervisor: Supervisor, env: dict[str, str], db_dsn: str) -> None:
        known = self.external_airflow_db is None and airflow_is_migrated(env[AIRFLOW_DATABASE_SETTING])
        if not known:
            self.display.step("Preparing Airflow's database ...")
        migrate.upgrade(db_dsn)
        if not known:
            supervisor.run_to_end("airflow-migrate", [sys.executable, "-m", "airflow", "db", "migrate"], env)
            if self.external_airflow_db is None:
                note_migrated(env[AIRFLOW_DATABASE_SETTING])

    def _start_airflow(self, supervisor: Supervisor, env: dict[str, str], client: WebClient) -> None:
        self.display.step("Starting Airflow (about half a minute) ...")
        for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
            # The web server reads the log files of this machine itself; two log servers would need two more ports.
            options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
            supervisor.start(name, [sys.executable, "-m", "airflow", name, *options], env)
        supervisor.wait_until(lambda: not client.unhealthy(), "Airflow did not become healthy", HEALTHY_WITHIN)
        self.display.step(f"Airflow is healthy, {time.monotonic() - self.began:.0f} s after the start")

    def _make_dags(self, supervisor: Supervisor, env: dict[str, str], tasks: list[str]) -> None:
        """Write the DAGs of new tasks to Airflow; if that fails, Airflow makes them at its next turn."""
        try:
            supervisor.run_to_end("first-dags", [sys.executable, "-m", "ses_ops.stack.first_dags", *tasks], env)
        except ComponentDied as problem:
            self.display.step(str(problem))

    def _describe(self, addresses: Addresses, env: dict[str, str]) -> None:
        stack = {
            "db_dsn": settings.libpq_uri(addresses.ses_db),
            "airflow_db_dsn": env[AIRFLOW_DATABASE_SETTING],
            "smtp_uri": addresses.ses_smtp,
            "web_url": addresses.web_url,
            "mailbox_url": self._mailbox_url(),
            "public_url": self._public_url(),
            "api_url": self._api_url(),
            "env": env,
        }
        write_private_json(settings.stack_file(), stack)

    def _mailbox_url(self) -> str | None:
        return f"http://{LOOPBACK}:{self.mailbox_port}" if self.external_smtp is None else None

    def _welcome(self, addresses: Addresses, secrets: GeneratedSecrets, notes: tuple[str, ...]) -> None:
        external = "mail goes to the server of AIRFLOW_CONN_SES_SMTP"
        self.display.welcome(
            Welcome(
                web_url=addresses.web_url,
                web_user=WEB_USER,
                web_password=secrets.web_password,
                mailbox_url=self._mailbox_url(),
                public_url=self._public_url(),
                api_url=self._api_url(),
                smtp=f"{LOOPBACK}:{self.smtp_port}" if self.external_smtp is None else external,
                notes=notes,
            )
        )

    def _watch(self, supervisor: Supervisor, db_dsn: str) -> None:
        """Show the send tasks until the run is stopped or a component ends; an unavailable database is waited for."""
        conn: Connection | None = None
        while True:
            try:
                conn = conn if conn is not None and not conn.closed else connect(db_dsn, application="make run")
                with conn:
                    self.display.tasks(overview.list_tasks(conn))
            except (psycopg2.Error, DatabaseUnavailable):
                conn = None
            supervisor.pause(REFRESH)


def _note_of_users(secrets: GeneratedSecrets) -> list[str]:
    """The note with the file of the further users' passwords. (Passwords are not printed: output may be kept as a log.)

    There is none without further users.
    """
    users = further_users(os.environ)
    return [f"Users     {', '.join(users)}: passwords in {secrets.web_passwords_file}"] if users else []
