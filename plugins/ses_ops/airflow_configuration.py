"""What the environment and `airflow.cfg` say of an Airflow, read without importing it, which takes seconds.

For whoever is not one of Airflow's own processes: the command line. Where a stack of `make run` runs, it adds that
stack's settings, so that `ses` works on it from any other terminal.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from ses_ops import settings
from ses_ops.airflow_places import expanded, read_configuration

#: Section and name of the setting with Airflow's metadata database.
DATABASE = ("database", "sql_alchemy_conn")
#: Those that name a secrets backend: of Airflow's servers, and of its workers, for which the other one holds too.
_SECRETS_BACKENDS = (("secrets", "backend"), ("workers", "secrets_backend"))
#: Airflow reads a setting from what it says itself, from a command's answer, or from a secrets backend.
_FORMS = ("", "_cmd", "_secret")
_PLACES = ("AIRFLOW_HOME", "AIRFLOW_CONFIG")
_SQLITE = "sqlite:///"


def environment() -> dict[str, str]:
    """The environment of the Airflow that is meant: this process's own, and that of the running stack."""
    given = dict(os.environ)
    if not names_the_stack():
        return given
    stack = settings.airflow_environment()
    return stack | given | {name: stack[name] for name in _PLACES if name in stack}


def names_the_stack() -> bool:
    """Whether the stack of `make run`, if one runs, is meant: a metadata database in the environment names another."""
    stack = settings.airflow_environment()
    named = [name for form in _FORMS if os.environ.get(name := _variable(DATABASE, form))]
    return all(stack.get(name) == os.environ[name] for name in named)


def config_file() -> Path:
    """Airflow's configuration file, which may not exist."""
    env = environment()
    return expanded(env["AIRFLOW_CONFIG"]) if "AIRFLOW_CONFIG" in env else _home(env) / "airflow.cfg"


def is_configured() -> bool:
    """Whether there is an Airflow: one whose metadata database is named, or the one that Airflow makes by itself."""
    env = environment()
    given = _given(DATABASE, env) or f"{_SQLITE}{_home(env) / 'airflow.db'}"
    return not given.startswith(_SQLITE) or Path(given.removeprefix(_SQLITE)).is_file()


def has_secrets_backend() -> bool:
    """Whether Airflow asks a secrets backend before it looks into the environment, as far as can be told here."""
    env = environment()
    return any(_given(option, env) for option in _SECRETS_BACKENDS)


def apply() -> None:
    """Put the settings of the running stack into this process's environment, before Airflow is imported."""
    os.environ.update({name: value for name, value in environment().items() if os.environ.get(name) != value})


def _home(env: Mapping[str, str]) -> Path:
    return expanded(env.get("AIRFLOW_HOME") or "~/airflow")


def _given(option: tuple[str, str], env: Mapping[str, str]) -> str | None:
    """What a setting says, None where Airflow's default holds. A command or a secret is told as it is written."""
    for form in _FORMS:
        if (given := env.get(_variable(option, form))) is not None:
            return given.strip()
    parser = _parsed(config_file())
    if parser is None:
        return "cannot be read"
    section, name = option
    found = (parser.get(section, name + form, fallback=None) for form in _FORMS)
    return next((given.strip() for given in found if given is not None and given.strip()), None)


def _variable(option: tuple[str, str], form: str) -> str:
    return f"AIRFLOW__{option[0]}__{option[1]}{form}".upper()


def _parsed(path: Path) -> configparser.ConfigParser | None:
    """The configuration file, empty if there is none; None if it cannot be read: Airflow itself has to say why."""
    try:
        return read_configuration(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return configparser.ConfigParser()
    except (OSError, ValueError, configparser.Error):
        return None
