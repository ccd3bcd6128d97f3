"""Fixtures of the tests of single messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.single.world import SingleWorld


@pytest.fixture
def world(ses_dsn, tmp_path, mail_server) -> Iterator[SingleWorld]:
    """A database, and a mail server that takes everything."""
    world = SingleWorld(dsn=ses_dsn, templates=tmp_path / "templates", smtp_uri=mail_server.uri)
    yield world
    world.close()


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch) -> None:
    """A deferred message is tried again after a moment."""
    monkeypatch.setattr("ses_ops.sending.single.held.RETRY_DELAYS", (0.1, 0.3))
