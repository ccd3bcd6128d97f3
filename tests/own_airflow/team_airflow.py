"""A data team's Airflow: FAB users, PostgreSQL metadata, LocalExecutor, settings in airflow.cfg, two DAG bundles.

Everything is Airflow's own default but for what a team has to set. Nothing of ses-ops is in its environment.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg2

from tests.acceptance.stack_process import free_port
from tests.own_airflow.component import PATIENCE, AirflowComponent
from tests.own_airflow.fresh_environment import HERE, REPOSITORY, FreshEnvironment
from tests.own_airflow.team_postgres import TeamPostgres

#: Seconds.
READY_WITHIN, COMMAND_WITHIN = 280.0, 180.0
#: For what takes a few; where thirty processes want two cores, more than 120 were seen.
SOON = 400.0
JOBS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
COMPONENTS = ("api-server", "dag-processor", "scheduler")
FOREIGN_DAG = "team_report"
#: The bundles, and where in ours its DAG files are.
FOREIGN_BUNDLE, OUR_BUNDLE, OUR_FOLDER = "team", "marketing", "mailings/ses"
ADMIN, ADMIN_PASSWORD = "ada", "a-password-of-ada"
ADMINISTRATOR = (
    f"--username {ADMIN} --password {ADMIN_PASSWORD} --role Admin --firstname Ada --lastname A --email a@example.com"
)
#: Commands of `airflow`, one an argument, without the seconds that each needs to start.
IN_ONE_PROCESS = """
import sys
from airflow.__main__ import main
for command in sys.argv[1:]:
    sys.argv = ["airflow", *command.split()]
    main()
"""
#: The team's template.
HELLO = {
    "subject.txt": "Hello {{ name }}",
    "body.txt": "Dear {{ name }},\n\nthe new catalogue is out.\n",
    "body.html": "<!doctype html><html><body><p>Dear {{ name }}, the new catalogue is out.</p></body></html>\n",
    "sample.json": '{"name": "Ann"}',
}

CONFIGURATION = """\
[core]
executor = LocalExecutor
parallelism = 4
auth_manager = airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
load_examples = False
fernet_key = cJtITXDXCFCZJiObP6hZsvwT3uRSaXl8MQZxNDyBsoI=
execution_api_server_url = http://127.0.0.1:{port}/execution/

[database]
sql_alchemy_conn = {database}

[api]
host = 127.0.0.1
port = {port}
base_url = http://127.0.0.1:{port}
secret_key = {secret}

[api_auth]
jwt_secret = {secret}

[dag_processor]
dag_bundle_config_list = {bundles}

[usage_data_collection]
enabled = False
"""


@dataclass
class TeamAirflow:
    """One AIRFLOW_HOME with its databases. `prepare` and `start` it, and `remove` it whatever happened."""

    environment: FreshEnvironment
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ses-own-airflow-")))
    #: More settings of the environment, for all of Airflow; none of ours by default.
    settings: dict[str, str] = field(default_factory=dict)
    components: dict[str, AirflowComponent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.home = self.folder / "airflow"
        self.dags = {name: self.folder / "bundles" / name for name in (FOREIGN_BUNDLE, OUR_BUNDLE)}
        self.postgres = TeamPostgres.create()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def our_dags(self) -> Path:
        """The folder of our DAG files: below a bundle of another name, with other things beside it."""
        return self.dags[OUR_BUNDLE] / OUR_FOLDER

    # -- before it runs

    def prepare(self) -> None:
        """Databases, airflow.cfg, the foreign DAG, Airflow's tables, and an administrator: all without ses-ops."""
        self.postgres.start()
        self.home.mkdir()
        for folder in self.dags.values():
            folder.mkdir(parents=True)
        self.configure()
        for source in (HERE / "foreign_dags").glob("*.py"):
            shutil.copyfile(source, next(iter(self.dags.values())) / source.name)
        self.run("python", "-c", IN_ONE_PROCESS, "db migrate", f"users create {ADMINISTRATOR}")

    def configure_one_folder(self) -> None:
        """As Airflow has it before anybody says anything of bundles: one folder of DAGs in AIRFLOW_HOME."""
        self.dags = {"dags-folder": self.home / "dags"}

    def configure(self) -> None:
        classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
        bundles = [{"name": n, "classpath": classpath, "kwargs": {"path": str(p)}} for n, p in self.dags.items()]
        written = CONFIGURATION.format(
            port=self.port,
            database=self.postgres.metadata_uri,
            bundles=json.dumps(bundles),
            secret=secrets.token_hex(32),
        )
        (self.home / "airflow.cfg").write_text(written.replace("%", "%%"))

    def place_our_dags(self) -> None:
        """Our DAG files, as a team copies them out of the distribution, and a template of its own."""
        self.our_dags.mkdir(parents=True, exist_ok=True)
        for source in (REPOSITORY / "dags").glob("*.py"):
            shutil.copyfile(source, self.our_dags / source.name)
        for name, text in HELLO.items():
            file = self.home / "include" / "templates" / "hello" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def remove_our_dags(self) -> None:
        shutil.rmtree(self.our_dags)

    # -- programs

    @property
    def variables(self) -> dict[str, str]:
        """The environment of all programs of this Airflow."""
        own = {"AIRFLOW_HOME": str(self.home), "HOME": str(self.folder), **self.settings}
        return self.environment.environment(own)

    def run(self, *command: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A program of the environment (`airflow`, `ses`, `python`), as a person of the team types it."""
        done = subprocess.run(
            [str(self.environment.bin / command[0]), *command[1:]],
            env=self.variables,
            cwd=self.folder,
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_WITHIN,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def ses(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Our command line in the team's environment."""
        return self.run("ses", *arguments, check=check)

    # -- while it runs

    def start(self, *names: str) -> None:
        """The components (all by default), each in a session of its own; returns when they are healthy."""
        wanted = names or COMPONENTS
        for name in wanted:
            # A scheduler that is there before the api-server has its first tasks fail.
            if name == "scheduler" and "api-server" in wanted:
                self.wait_for(lambda: "api-server" not in self.unhealthy(), "api-server", READY_WITHIN)
            program = self.environment.bin / "airflow"
            self.components[name] = AirflowComponent.start(name, program, self.variables, self.folder)
        self.wait_for(lambda: not self.unhealthy(), "healthy Airflow", READY_WITHIN)

    def stop(self, *names: str, patience: float = PATIENCE) -> None:
        """End components (all by default) and everything that they started."""
        ended = [self.components.pop(name) for name in names or list(self.components)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda component: component.end(patience), ended))

    def unhealthy(self) -> list[str]:
        """The started components that have not reported a heartbeat, and the api-server if it does not answer."""
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=10, trust_env=False)
        except httpx.HTTPError:
            return ["api-server"]
        if health.status_code != 200:
            return ["api-server"]
        return [n for n, job in JOBS.items() if n in self.components and health.json()[job]["status"] != "healthy"]

    def wait_for(self, condition: Callable[[], Any], what: str, within: float = SOON, every: float = 0.3) -> Any:
        """Until a condition holds; a component that ended meanwhile is the reason that it never will."""
        end = time.monotonic() + within
        while not (found := condition()):
            for component in self.components.values():
                assert component.alive, f"{component.name} ended:\n{component.output[-4000:]}"
            assert time.monotonic() < end, f"no {what} within {within:.0f} s\n{self.last_words()}"
            time.sleep(every)
        return found

    def last_words(self) -> str:
        """The end of every component's output: for messages of tests that fail."""
        return "\n".join(f"--- {one.name}\n{one.output[-1500:]}" for one in self.components.values())

    def rows(self, statement: str, *values: Any, database: str = "ses") -> list[tuple[Any, ...]]:
        """What a query finds in one of the databases."""
        conn = psycopg2.connect(self.postgres.dsn(database))
        try:
            with conn.cursor() as cursor:
                cursor.execute(statement, values or None)  # without values, % stands for itself
                return list(cursor.fetchall())
        finally:
            conn.close()

    def remove(self) -> None:
        """End everything, whatever the test did, and remove the data."""
        self.stop(patience=0)
        self.postgres.stop("immediate")
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
