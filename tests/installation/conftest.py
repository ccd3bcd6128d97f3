"""Fixtures of the tests of an installation: the wheel is built once."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
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
def without_wheel(asked_for: list[str], tmp_path_factory: pytest.TempPathFactory) -> EmptyEnvironment:
    """An Airflow without the wheel, for the whole session."""
    return EmptyEnvironment(tmp_path_factory.mktemp("plain"), asked_for)


@pytest.fixture
def plain(without_wheel: EmptyEnvironment) -> Iterator[EmptyEnvironment]:
    """The same for a test that puts something into its plugins folder."""
    yield without_wheel
    shutil.rmtree(without_wheel.plugins)
    without_wheel.plugins.mkdir()


@pytest.fixture(scope="session")
def installed(asked_for: list[str], wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> EmptyEnvironment:
    """An Airflow with the wheel, for tests that leave it as it is."""
    environment = EmptyEnvironment(tmp_path_factory.mktemp("installed"), asked_for)
    environment.install(wheel)
    return environment
