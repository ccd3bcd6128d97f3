"""The settings of the environment: places, ports and connections.

Every setting is read by a call, never at import.

| setting | default | meaning |
| --- | --- | --- |
| SES_HOME | `.ses` in the checkout, else in AIRFLOW_HOME | everything that `make run` writes |
| SES_WEB_PORT, SES_WEB_HOST | 8080, 127.0.0.1 | Airflow's web page and API |
| SES_SMTP_PORT | 1025 | the local mailbox's SMTP |
| SES_MAILBOX_PORT | 8025 | the local mailbox's web page |
| SES_PUBLIC_PORT, SES_PUBLIC_HOST | 8070, 127.0.0.1 | the public listener: unsubscribe page and providers' hooks |
| SES_BOUNCE_PORT, SES_BOUNCE_HOST | 2525, 127.0.0.1 | the listener for bounces and complaints as mail |
| SES_BOUNCE_TLS_CERTIFICATE, SES_BOUNCE_TLS_KEY | none | PEM files with which that listener offers STARTTLS |
| SES_SPOOL | `spool` in SES_HOME | where a listener keeps events while PostgreSQL is unavailable |
| SES_DB_PORT | none | the embedded PostgreSQL listens on 127.0.0.1 too, not only on its unix socket |
| SES_SAMPLE | on | `off`: `make run` loads no sample groups and send tasks |
| SES_TEMPLATES | `include/templates`, see `templates_places` | mail templates |
| SES_MAINTENANCE_MINUTES | 1 | minutes from one run of the DAG `ses_maintenance` to the next, 1 to 30 |
| SES_EVENTS_KEPT_MONTHS | 13 | whole months for which events of messages are kept, 1 to 1200; their counts stay |
| SES_DEVICE_DATA_DAYS | 7 | days for which the addresses and user agents of opens and clicks are kept, 0 to 365 |
| SES_CALLBACK_ALLOW | none | private networks that callbacks may be posted to, such as `10.1.0.0/16 127.0.0.1` |
| SES_PUBLIC_URL | none; `make run`: the listener's own | https address of the unsubscribe page and the provider hooks |
| AIRFLOW_CONN_SES_DB, AIRFLOW_CONN_SES_SMTP | the embedded ones | servers to use instead |

Those of the API: `api_settings.py`. In an Airflow of one's own the last two may be connections in Airflow.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ses_ops import airflow_connection
from ses_ops.airflow_places import airflow_home, airflow_setting, dags_folder
from ses_ops.errors import InvalidInput, NotSetUp, SesError

SES_DB = "AIRFLOW_CONN_SES_DB"
SES_SMTP = "AIRFLOW_CONN_SES_SMTP"
WARMUP_QUOTA = "AIRFLOW_VAR_SES_WARMUP_QUOTA"

#: A line of the pyproject.toml by which a checkout of this project is recognised.
_PROJECT = 'name = "ses-ops"'
_TEMPLATES = Path("include", "templates")
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
#: Of characters that HTML and quoted-printable leave as they are.
_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.-]*[A-Za-z0-9](?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?")
#: Characters of SES_PUBLIC_URL: a token follows, and a header line has no place to fold an address (RFC 5322 2.1.1).
LONGEST_PUBLIC_URL = 840


@cache
def checkout() -> Path | None:
    """The checkout of the project that this file is in; None in an installed wheel or in Airflow's plugins folder."""
    plugins = Path(__file__).resolve().parents[1]
    try:
        is_ours = plugins.name == "plugins" and _PROJECT in (plugins.parent / "pyproject.toml").read_text("utf-8")
    except (OSError, ValueError):
        return None
    return plugins.parent if is_ours else None


def repository() -> Path:
    """The top of the checkout: the folder with `dags/`, `plugins/` and `include/`."""
    return Path(__file__).resolve().parents[2]


def ses_home() -> Path:
    """The folder that the local stack writes all its files to (absolute; it may not exist yet)."""
    given = os.environ.get("SES_HOME", "").strip()
    return Path(os.path.abspath(Path(given).expanduser())) if given else (checkout() or airflow_home()) / ".ses"


def templates_root() -> Path:
    """The folder of mail templates, one folder each: the first of `templates_places` that exists, else the first."""
    places = templates_places()
    return next((place for place in places if place.is_dir()), places[0])


def templates_places() -> tuple[Path, ...]:
    """The folders in which templates are looked for, in order.

    One folder, if SES_TEMPLATES names it, or the setting `templates` in section `ses_ops` of airflow.cfg (for managed
    services without an environment of one's own). Else the one of the checkout. Else those beside Airflow's folder of
    DAGs, in AIRFLOW_HOME, and in the folder of DAGs, the only folder that some managed services bring to every machine.
    """
    for given in (os.environ.get("SES_TEMPLATES", "").strip(), airflow_setting("ses_ops", "templates")):
        if given:
            return (Path(os.path.abspath(Path(given).expanduser())),)
    if (here := checkout()) is not None:
        return (here / _TEMPLATES,)
    dags = dags_folder()
    folders = (dags.parent, airflow_home(), dags, dags / "ses_ops")
    return tuple(dict.fromkeys(folder / _TEMPLATES for folder in folders))


def short(folder: Path) -> str:
    """The last two parts of a path, for pages, which do not show the folders of the server."""
    return "/".join(folder.parts[-2:])


def no_templates() -> str:
    """The sentence for an installation without a template: the folders searched, and how to name another folder."""
    places = ", ".join(map(str, templates_places()))
    return f"there is no template in {places}; set SES_TEMPLATES to another folder for all of Airflow's components"


def maintenance_minutes() -> int:
    """Minutes from one run of `ses_maintenance` to the next: SES_MAINTENANCE_MINUTES, or `[ses_ops]` of airflow.cfg.

    Raises InvalidInput.
    """
    name = "SES_MAINTENANCE_MINUTES"
    given = os.environ.get(name, "").strip() or airflow_setting("ses_ops", "maintenance_minutes") or "1"
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 30):
        raise InvalidInput("not_minutes", given=given, where=name)
    return int(given)


def events_kept_months() -> int:
    """Whole months for which events are kept: SES_EVENTS_KEPT_MONTHS, or `[ses_ops]` in airflow.cfg."""
    name = "SES_EVENTS_KEPT_MONTHS"
    given = os.environ.get(name, "").strip() or airflow_setting("ses_ops", "events_kept_months") or "13"
    if not (given.isascii() and given.isdecimal() and len(given) <= 4 and 1 <= int(given) <= 1200):
        raise InvalidInput("not_kept_months", given=given, where=name)
    return int(given)


def public_url() -> str | None:
    """Where recipients and providers reach the public listener, without a slash at the end; None when it is not set.

    SES_PUBLIC_URL, or `public_url` in section `ses_ops` of airflow.cfg. Raises InvalidInput.
    """
    given = os.environ.get("SES_PUBLIC_URL", "").strip() or airflow_setting("ses_ops", "public_url")
    if given and (len(given) > LONGEST_PUBLIC_URL or not _PUBLIC_URL.fullmatch(given)):
        raise InvalidInput("not_a_public_url", given=given[:100], where="SES_PUBLIC_URL")
    return given.rstrip("/") or None


def sample_wanted() -> bool:
    """Whether `make run` loads the sample data into an empty database. Raises InvalidInput."""
    if (given := os.environ.get("SES_SAMPLE", "").strip().lower() or "on") not in ("on", "off"):
        raise InvalidInput("not_on_or_off", given=given, where="SES_SAMPLE")
    return given == "on"


def web_port() -> int:
    """The port of Airflow's web page and API. Raises InvalidInput, as do the other ports."""
    return listening_port("SES_WEB_PORT", 8080)


def smtp_port() -> int:
    """The port of the local mailbox's SMTP server."""
    return listening_port("SES_SMTP_PORT", 1025)


def mailbox_port() -> int:
    """The port of the local mailbox's web page."""
    return listening_port("SES_MAILBOX_PORT", 8025)


def db_port() -> int | None:
    """The TCP port of the embedded PostgreSQL; None when it listens on its unix socket only."""
    return listening_port("SES_DB_PORT", 0) if os.environ.get("SES_DB_PORT", "").strip() else None


def public_port() -> int:
    """The port of the public listener."""
    return listening_port("SES_PUBLIC_PORT", 8070)


def web_host() -> str:
    """The address that Airflow's web server listens on. Raises InvalidInput."""
    return listening_host("SES_WEB_HOST")


def public_host() -> str:
    """The address that the public listener listens on. Raises InvalidInput."""
    return listening_host("SES_PUBLIC_HOST")


def bounce_port() -> int:
    """The port of the listener for bounces and complaints as mail."""
    return listening_port("SES_BOUNCE_PORT", 2525)


def bounce_host() -> str:
    """The address that this listener listens on. Raises InvalidInput."""
    return listening_host("SES_BOUNCE_HOST")


def spool_folder() -> Path:
    """The folder in which a listener keeps events while PostgreSQL is unavailable (absolute; it may not exist yet)."""
    given = os.environ.get("SES_SPOOL", "").strip()
    return Path(os.path.abspath(Path(given).expanduser())) if given else ses_home() / "spool"


def listening_host(name: str) -> str:
    given = os.environ.get(name, "").strip() or "127.0.0.1"
    if not _HOST.fullmatch(given):
        raise InvalidInput("not_a_host", value=given, where=name)
    return given


def listening_port(name: str, default: int) -> int:
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= 65535):
        raise InvalidInput("not_a_port", given=given, where=name)
    return int(given)


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """The description of a running stack, which `make run` writes to `SES_HOME/stack.json`."""

    db_dsn: str
    airflow_db_dsn: str
    smtp_uri: str
    web_url: str
    #: None when an external mail server is used, because then there is no local mailbox.
    mailbox_url: str | None = None
    #: SES_PUBLIC_URL, or the address of the public listener.
    public_url: str | None = None
    #: The address of the API.
    api_url: str | None = None
    #: The environment that the `airflow` program needs to work on this stack.
    env: dict[str, str] = field(default_factory=dict, repr=False)


def stack_file() -> Path:
    """The file with the description of the running stack."""
    return ses_home() / "stack.json"


def running_stack() -> RunningStack | None:
    """The running stack of this SES_HOME; None if none runs. Raises SesError if the file cannot be read."""
    path = stack_file()
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return RunningStack(**{name: given[name] for name in RunningStack.__dataclass_fields__ if name in given})
    except FileNotFoundError:
        return None
    except PermissionError as cause:
        raise SesError("stack_file_of_another_user", path=path) from cause
    except (OSError, ValueError, TypeError) as cause:
        raise SesError("stack_file_not_readable", path=path, cause=cause) from cause


def db_dsn() -> str:
    """The `ses` database as a libpq URI, found without Airflow: AIRFLOW_CONN_SES_DB, else the running stack.

    Raises InvalidInput for an invalid connection, NotSetUp if there is neither.
    """
    given = os.environ.get(SES_DB, "").strip()
    if given:
        return libpq_uri(given)
    stack = running_stack()
    if stack is None:
        raise no_database()
    return stack.db_dsn


def smtp_connection_uri() -> str:
    """The mail server as an Airflow connection (URI or JSON): AIRFLOW_CONN_SES_SMTP, else the local mailbox.

    Raises NotSetUp if there is neither.
    """
    given = os.environ.get(SES_SMTP, "").strip()
    if given:
        return given
    stack = running_stack()
    if stack is None:
        raise no_mail_server()
    return stack.smtp_uri


def airflow_environment() -> dict[str, str]:
    """The variables to add to the environment before Airflow is used on the running stack (may be none)."""
    stack = running_stack()
    return dict(stack.env) if stack else {}


def libpq_uri(connection: str, source: str = SES_DB) -> str:
    """Turn an Airflow connection to PostgreSQL (URI or JSON) into a libpq URI. Raises InvalidInput."""
    return airflow_connection.libpq_uri(airflow_connection.read_connection(connection, source))


def make_run_is_here() -> bool:
    """Whether this is a checkout of the project, where `make run` starts the stack."""
    return checkout() is not None and (repository() / "Makefile").is_file()


def no_database(*, in_airflow: bool = False) -> NotSetUp:
    """The error for a missing setting of the database; `in_airflow`: Airflow was asked and has no connection."""
    if in_airflow:
        return NotSetUp("no_database_connection", variable=SES_DB)
    if make_run_is_here():
        return NotSetUp("no_database_here", home=ses_home(), variable=SES_DB)
    return NotSetUp("no_database", variable=SES_DB)


def no_mail_server(*, in_airflow: bool = False) -> NotSetUp:
    """The error for a missing setting of the mail server; see `no_database`."""
    if in_airflow:
        return NotSetUp("no_mail_server_connection", variable=SES_SMTP)
    if make_run_is_here():
        return NotSetUp("no_mail_server_here", home=ses_home(), variable=SES_SMTP)
    return NotSetUp("no_mail_server", variable=SES_SMTP)


def no_airflow() -> NotSetUp:
    """The error for an Airflow that is needed and cannot be found."""
    if make_run_is_here():
        return NotSetUp("no_airflow_here", home=ses_home())
    return NotSetUp("airflow_not_found")
