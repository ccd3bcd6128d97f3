"""A copy of the API for the tests of a module, and the Fernet key in the environment of this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ses_ops.application.secret_box import VARIABLE
from tests.integration.api.api_process import FERNET_KEY, ApiProcess


@pytest.fixture(autouse=True)
def fernet_key(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, FERNET_KEY)


@pytest.fixture(scope="module")
def api_dsn(postgres, ses_template) -> Iterator[str]:
    """One database for the tests of a module."""
    name = postgres.new_database(ses_template)
    yield postgres.dsn(name)
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def api(api_dsn, tmp_path_factory) -> Iterator[ApiProcess]:
    process = ApiProcess(dsn=api_dsn, spool=tmp_path_factory.mktemp("api") / "home")
    process.start()
    yield process
    process.kill()
