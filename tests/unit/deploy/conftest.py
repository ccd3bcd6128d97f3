"""What the tests of the production files share: the repository, and compose's own reading of docker-compose.yaml."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]

#: A value for everything that docker-compose.yaml demands.
FILLED = {
    "POSTGRES_PASSWORD": "superuser-pw",
    "SES_AIRFLOW_DB_PASSWORD": "airflow-pw",
    "SES_DB_PASSWORD": "ses-pw",
    "SES_FERNET_KEY": "fernet-key",
    "SES_JWT_SECRET": "jwt-secret",
    "SES_API_SECRET_KEY": "api-secret",
    "SES_REDIS_PASSWORD": "redis-pw",
    "SES_WEB_PASSWORDS": '{"admin": "web-pw"}',
}

#: podman-compose, without its four new classes for every text in which there is nothing to fill in: a third of its CPU.
PODMAN_COMPOSE = """
import podman_compose
fill_in = podman_compose.var_interpolate
podman_compose.var_interpolate = lambda text, values: fill_in(text, values) if "$" in text else text
podman_compose.main()
"""

RunCompose = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def filled() -> dict[str, str]:
    """An environment that holds every required setting."""
    return dict(FILLED)


@pytest.fixture
def raw_compose() -> dict[str, Any]:
    """docker-compose.yaml with its anchors resolved and its variables as they are written."""
    return yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())


@pytest.fixture(scope="session")
def run_compose(tmp_path_factory: pytest.TempPathFactory) -> RunCompose:
    """Run podman-compose's `config`; `--dry-run` because no container engine is needed to read a file.

    One run takes 2 s of CPU, so that the same question is asked once a test session.
    """
    home = tmp_path_factory.mktemp("compose")
    # An .env of the developer's own must not fill in what a test leaves out.
    empty = home / "empty.env"
    empty.touch()
    answers: dict[tuple[object, ...], subprocess.CompletedProcess[str]] = {}

    def run(*options: str, environment: Mapping[str, str], env_file: Path = empty) -> subprocess.CompletedProcess[str]:
        question = (options, tuple(sorted(environment.items())), env_file.read_bytes())
        if question not in answers:
            files = () if "-f" in options else ("-f", "docker-compose.yaml")
            answers[question] = subprocess.run(
                [
                    *(sys.executable, "-c", PODMAN_COMPOSE, "--dry-run", "--env-file", str(env_file)),
                    *(*files, *options, "config"),
                ],
                cwd=REPOSITORY,
                env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        return answers[question]

    return run


@pytest.fixture
def compose(run_compose: RunCompose) -> Callable[..., dict[str, Any]]:
    """The model that compose makes of the file for the given options, such as `--profile demo`."""

    def load(*options: str, environment: Mapping[str, str] = FILLED, **keywords: Any) -> dict[str, Any]:
        result = run_compose(*options, environment=environment, **keywords)
        assert result.returncode == 0, result.stderr
        return yaml.safe_load(result.stdout)

    return load
