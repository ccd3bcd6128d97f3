"""What the environment says: places, ports and connections. Everything is read by a call, never at import.

| setting | default | meaning |
| --- | --- | --- |
| SES_HOME | `.ses` in the checkout, else in AIRFLOW_HOME | everything that `make run` writes |
| SES_WEB_PORT, SES_WEB_HOST | 8080, 127.0.0.1 | Airflow's web page and API |
| SES_SMTP_PORT | 1025 | the local mailbox's SMTP |
| SES_MAILBOX_PORT | 8025 | the local mailbox's web page |
| SES_DB_PORT | none | the embedded PostgreSQL listens on 127.0.0.1 too, not only on its unix socket |
| SES_SAMPLE | on | `off`: `make run` loads no sample groups and send tasks |
| SES_TEMPLATES | `include/templates`, see `templates_places` | mail templates |
| AIRFLOW_CONN_SES_DB, AIRFLOW_CONN_SES_SMTP | the embedded ones | servers to use instead |
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ses_ops.airflow_places import airflow_home, airflow_setting, dags_folder
from ses_ops.errors import InvalidInput, SesError

SES_DB = "AIRFLOW_CONN_SES_DB"
SES_SMTP = "AIRFLOW_CONN_SES_SMTP"
WARMUP_QUOTA = "AIRFLOW_VAR_SES_WARMUP_QUOTA"

#: What makes a folder a checkout of this project.
_PROJECT = 'name = "ses-ops"'
_TEMPLATES = Path("include", "templates")
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
_POSTGRES_SCHEMES = ("postgres", "postgresql")
#: Extras of Airflow's Postgres connection that are not parameters of libpq.
_NOT_LIBPQ = frozenset({"__extra__", "cursor", "iam", "redshift", "aws_conn_id", "enable_log_db_messages"})


@cache
def checkout() -> Path | None:
    """The checkout of the project that this is, or None for an installed wheel or a folder in Airflow's plugins."""
    plugins = Path(__file__).resolve().parents[1]
    try:
        is_ours = plugins.name == "plugins" and _PROJECT in (plugins.parent / "pyproject.toml").read_text("utf-8")
    except (OSError, ValueError):
        return None
    return plugins.parent if is_ours else None


def repository() -> Path:
    """In a checkout, its top: the folder that holds `dags/`, `plugins/` and `include/`."""
    return Path(__file__).resolve().parents[2]


def ses_home() -> Path:
    """The folder of everything that the local stack writes (absolute; it may not exist yet)."""
    given = os.environ.get("SES_HOME", "").strip()
    return Path(os.path.abspath(Path(given).expanduser())) if given else (checkout() or airflow_home()) / ".ses"


def templates_root() -> Path:
    """The folder with one folder a mail template: of `templates_places` the first that exists, else the first."""
    places = templates_places()
    return next((place for place in places if place.is_dir()), places[0])


def templates_places() -> tuple[Path, ...]:
    """Where templates are looked for.

    Only in what SES_TEMPLATES names, or the setting `templates` in section `ses_ops` of airflow.cfg, which managed
    services have where they have no environment. Else in the checkout; else beside Airflow's folder of DAGs, in
    AIRFLOW_HOME, and in the folder of DAGs, which is the only one that some managed services bring to every machine.
    """
    for given in (os.environ.get("SES_TEMPLATES", "").strip(), airflow_setting("ses_ops", "templates")):
        if given:
            return (Path(os.path.abspath(Path(given).expanduser())),)
    if (here := checkout()) is not None:
        return (here / _TEMPLATES,)
    dags = dags_folder()
    folders = (dags.parent, airflow_home(), dags, dags / "ses_ops")
    return tuple(dict.fromkeys(folder / _TEMPLATES for folder in folders))


def no_templates() -> str:
    """The sentence for an installation without a template: where they are looked for, and how to name another place."""
    places = ", ".join(map(str, templates_places()))
    return f"there is no template in {places}; set SES_TEMPLATES to another folder for all of Airflow's components"


def sample_wanted() -> bool:
    """Whether `make run` loads the sample into an empty database. Raises InvalidInput."""
    given = os.environ.get("SES_SAMPLE", "").strip().lower() or "on"
    if given not in ("on", "off"):
        raise InvalidInput(f"{given!r} is neither on nor off", where="SES_SAMPLE")
    return given == "on"


def web_port() -> int:
    """The port of Airflow's web page and API. Raises InvalidInput, as do the other ports."""
    return _port("SES_WEB_PORT", 8080)


def smtp_port() -> int:
    """The port of the local mailbox's SMTP server."""
    return _port("SES_SMTP_PORT", 1025)


def mailbox_port() -> int:
    """The port of the local mailbox's web page."""
    return _port("SES_MAILBOX_PORT", 8025)


def db_port() -> int | None:
    """The TCP port of the embedded PostgreSQL, or None: then it listens on its unix socket only."""
    return _port("SES_DB_PORT", 0) if os.environ.get("SES_DB_PORT", "").strip() else None


def web_host() -> str:
    """The address that Airflow's web server listens on. Raises InvalidInput."""
    given = os.environ.get("SES_WEB_HOST", "").strip() or "127.0.0.1"
    if not _HOST.fullmatch(given):
        raise InvalidInput(f"{given!r} is not a host name or address", where="SES_WEB_HOST")
    return given


def _port(name: str, default: int) -> int:
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 65535):
        raise InvalidInput(f"{given!r} is not a port (a whole number from 1 to 65535)", where=name)
    return int(given)


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """What a running `make run` says about itself in `SES_HOME/stack.json`."""

    db_dsn: str
    airflow_db_dsn: str
    smtp_uri: str
    web_url: str
    #: None when an external mail server is used: then there is no local mailbox.
    mailbox_url: str | None = None
    #: The environment that the `airflow` program needs to work on this stack.
    env: dict[str, str] = field(default_factory=dict, repr=False)


def stack_file() -> Path:
    """Where the running stack describes itself."""
    return ses_home() / "stack.json"


def running_stack() -> RunningStack | None:
    """The stack of this SES_HOME, or None if there is none. Raises SesError if the file cannot be read."""
    path = stack_file()
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return RunningStack(**{name: given[name] for name in RunningStack.__dataclass_fields__ if name in given})
    except FileNotFoundError:
        return None
    except PermissionError as cause:
        raise SesError(f"{path} belongs to another user: run this as the user who ran `make run`") from cause
    except (OSError, ValueError, TypeError) as cause:
        raise SesError(f"{path} cannot be read ({cause}): stop `make run` and start it again") from cause


def db_dsn() -> str:
    """The `ses` database as a libpq URI: AIRFLOW_CONN_SES_DB, else that of the running stack.

    Raises InvalidInput for a connection that cannot be right, SesError if there is neither.
    """
    given = os.environ.get(SES_DB, "").strip()
    if given:
        return libpq_uri(given)
    stack = running_stack()
    if stack is None:
        raise SesError(
            f"no database: nothing runs in SES_HOME ({ses_home()}). Start `make run` in another terminal, "
            f"or set {SES_DB} to the PostgreSQL to use"
        )
    return stack.db_dsn


def smtp_connection_uri() -> str:
    """The mail server as an Airflow connection (URI or JSON): AIRFLOW_CONN_SES_SMTP, else the local mailbox.

    Raises SesError if there is neither.
    """
    given = os.environ.get(SES_SMTP, "").strip()
    if given:
        return given
    stack = running_stack()
    if stack is None:
        raise SesError(
            f"no mail server: nothing runs in SES_HOME ({ses_home()}). Start `make run` in another terminal, "
            f"or set {SES_SMTP}, for example to smtp://login:password@mail.example.com:587/?tls=starttls"
        )
    return stack.smtp_uri


def airflow_environment() -> dict[str, str]:
    """What to add to the environment before Airflow's code or program is used on the running stack (may be empty)."""
    stack = running_stack()
    return dict(stack.env) if stack else {}


def libpq_uri(connection: str) -> str:
    """Turn an Airflow connection to PostgreSQL (URI or JSON) into a libpq URI. Raises InvalidInput.

    Airflow's `extra`, or the parameters of the URI, become parameters of libpq (`sslmode`, `host` for a socket ...).
    """
    fields = _json_fields(connection) if connection.lstrip().startswith("{") else _uri_fields(connection)
    if str(fields["scheme"]).lower() not in _POSTGRES_SCHEMES:
        raise InvalidInput(f"{fields['scheme']!r} is not postgres: ses-ops keeps its data in PostgreSQL", where=SES_DB)
    if not fields["database"]:
        raise InvalidInput("names no database: postgres://user:password@host:5432/DATABASE", where=SES_DB)
    login, password = fields["login"], fields["password"]
    user = quote(login, safe="") + (":" + quote(password, safe="") if password else "") + "@" if login else ""
    port = f":{fields['port']}" if fields["port"] else ""
    parameters = {name: str(value) for name, value in fields["extra"].items() if name not in _NOT_LIBPQ}
    query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
    return f"postgresql://{user}{_bracketed(fields['host'])}{port}/{quote(fields['database'], safe='')}{query}"


def _bracketed(host: str) -> str:
    if host.startswith("/"):
        return quote(host, safe="")
    return f"[{host}]" if ":" in host else host


def _uri_fields(connection: str) -> dict[str, Any]:
    try:
        parts = urlsplit(connection.strip())
        port, host = parts.port, unquote(parts.hostname or "")
    except ValueError:
        # Not the cause's own words: they can contain the password.
        raise InvalidInput("is no connection URI: postgres://user:password@host:5432/database", where=SES_DB) from None
    if "://" not in connection:
        raise InvalidInput("is no connection URI: postgres://user:password@host:5432/database", where=SES_DB)
    extra: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra |= _extra_fields(extra.pop("__extra__", None))
    return {
        "scheme": parts.scheme,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": host,
        "port": port,
        "database": unquote(parts.path.lstrip("/")),
        "extra": extra,
    }


def _json_fields(connection: str) -> dict[str, Any]:
    try:
        given = json.loads(connection)
    except ValueError:
        raise InvalidInput("is not valid JSON", where=SES_DB) from None
    return {
        "scheme": given.get("conn_type") or "",
        "login": str(given.get("login") or ""),
        "password": str(given.get("password") or ""),
        "host": str(given.get("host") or ""),
        "port": given.get("port"),
        "database": str(given.get("schema") or ""),
        "extra": _extra_fields(given.get("extra")),
    }


def _extra_fields(extra: object) -> dict[str, Any]:
    if isinstance(extra, str):
        try:
            extra = json.loads(extra) if extra.strip() else {}
        except ValueError:
            raise InvalidInput("is not valid JSON", where=SES_DB, field="extra") from None
    if extra is not None and not isinstance(extra, dict):
        raise InvalidInput("is not a JSON object", where=SES_DB, field="extra")
    return extra or {}
