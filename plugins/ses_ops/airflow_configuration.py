"""Airflow's configuration, read from the environment and `airflow.cfg` without Airflow.

The import of Airflow takes seconds. This is for the command line, which is none of Airflow's own processes. Where a
stack of `make run` runs, the settings of that stack are added, so that `ses` works on it from any other terminal.
"""

from __future__ import annotations

import configparser
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ses_ops import settings
from ses_ops.airflow_places import expanded, read_configuration
from ses_ops.errors import NotSetUp

#: Section and name of the setting with Airflow's metadata database.
DATABASE = ("database", "sql_alchemy_conn")
#: Settings that name a secrets backend: of Airflow's servers (and of workers that name none), and of workers.
_SECRETS_BACKENDS = (("secrets", "backend"), ("workers", "secrets_backend"))
#: Endings of a setting's name: its value is given directly, by the output of a command, or by a secrets backend.
_FORMS = ("", "_cmd", "_secret")
_PLACES = ("AIRFLOW_HOME", "AIRFLOW_CONFIG")
_SQLITE = "sqlite:///"
#: Seconds for the command that prints a setting.
_COMMAND_WITHIN = 30


def environment() -> dict[str, str]:
    """The environment for Airflow: that of this process, and the variables of the running stack."""
    given = dict(os.environ)
    if not names_the_stack():
        return given
    stack = settings.airflow_environment()
    return stack | given | {name: stack[name] for name in _PLACES if name in stack}


def names_the_stack() -> bool:
    """Whether the stack of `make run`, if one runs, is meant: not so if the environment names another database."""
    stack = settings.airflow_environment()
    named = [name for form in _FORMS if os.environ.get(name := _variable(DATABASE, form))]
    return all(stack.get(name) == os.environ[name] for name in named)


def config_file() -> Path:
    """The path of Airflow's configuration file, which may not exist."""
    env = environment()
    return expanded(env["AIRFLOW_CONFIG"]) if "AIRFLOW_CONFIG" in env else _home(env) / "airflow.cfg"


def is_configured() -> bool:
    """Whether an Airflow is configured: its metadata database is named, or its default SQLite file exists."""
    env = environment()
    given = _given(DATABASE, env) or f"{_SQLITE}{_home(env) / 'airflow.db'}"
    return not given.startswith(_SQLITE) or Path(given.removeprefix(_SQLITE)).is_file()


def has_secrets_backend() -> bool:
    """Whether Airflow asks a secrets backend before the environment, as far as its configuration says."""
    env = environment()
    return any(_given(option, env) for option in _SECRETS_BACKENDS)


def setting(section: str, name: str) -> str | None:
    """A setting as Airflow itself finds it: given directly, or by the output of a command; None where nobody gives it.

    Raises NotSetUp where only a secrets backend or a command that fails has it: then it has to be given directly.
    """
    env, option = environment(), (section, name)
    for form in _FORMS:
        if (given := env.get(_variable(option, form))) is not None:
            return _value_of(given.strip(), form, _variable(option, ""))
    parser = _parsed(config_file())
    for form in _FORMS if parser is not None else ():
        given = (parser.get(section, name + form, fallback="") if parser is not None else "").strip()
        if given:
            return _value_of(given, form, _variable(option, ""))
    return None


def _value_of(given: str, form: str, variable: str) -> str:
    if not form:
        return given
    if form == "_secret":
        raise NotSetUp("setting_in_secrets_backend", variable=variable)
    try:
        done = subprocess.run(shlex.split(given), capture_output=True, text=True, check=True, timeout=_COMMAND_WITHIN)
    except (OSError, ValueError, subprocess.SubprocessError):
        # Neither the command nor what it said is named: both can contain the secret.
        raise NotSetUp("setting_command_failed", variable=variable) from None
    return done.stdout.strip()


def apply() -> None:
    """Put the settings of the running stack into the environment of this process, before Airflow is imported."""
    os.environ.update({name: value for name, value in environment().items() if os.environ.get(name) != value})


def _home(env: Mapping[str, str]) -> Path:
    return expanded(env.get("AIRFLOW_HOME") or "~/airflow")


def _given(option: tuple[str, str], env: Mapping[str, str]) -> str | None:
    """The value of a setting as written (also of a command or a secret); None where Airflow's default holds."""
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
    """The configuration file, empty if it does not exist; None if it cannot be read, which Airflow will report."""
    try:
        return read_configuration(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return configparser.ConfigParser()
    except (OSError, ValueError, configparser.Error):
        return None
