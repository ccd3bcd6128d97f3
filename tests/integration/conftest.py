"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer


@pytest.fixture
def mail_server() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def world(ses_dsn, tmp_path, mail_server) -> Iterator[World]:
    """A database, a template `hello` with the variable `name`, and a mail server that takes everything."""
    world = World(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail_server.uri)
    yield world
    world.close()
