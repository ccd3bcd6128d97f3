"""Fixtures of the tests of an installation: the wheel is built once."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path

import pytest

from tests.installation.empty_environment import EmptyEnvironment, build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def asked_for(wheel: Path) -> list[str]:
    """What the wheel asks for, its extras included."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return BytesParser().parsebytes(archive.read(metadata)).get_all("Requires-Dist")


@pytest.fixture(scope="session")
def empty(asked_for: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], EmptyEnvironment]:
    """Makes an environment without the wheel."""
    return lambda: EmptyEnvironment(tmp_path_factory.mktemp("empty"), asked_for)


@pytest.fixture(scope="session")
def installed(empty: Callable[[], EmptyEnvironment], wheel: Path) -> EmptyEnvironment:
    """An environment with the wheel, for tests that leave it as it is."""
    environment = empty()
    environment.install(wheel)
    return environment
