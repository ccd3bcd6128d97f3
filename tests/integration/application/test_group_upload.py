"""An import whose watching session is lost is watched on: a person can stop it, and a browser that left is noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from ses_ops.application.group_upload import GroupUpload, UploadOrder
from ses_ops.errors import ImportStopped
from ses_ops.storage.audience import imports
from ses_ops.storage.connection import transaction
from tests.actors import ANYBODY

ORDER = UploadOrder(id=uuid4(), group="customers", new_group=True, by="ann", file_name="people.csv", file_bytes=None)


class Import:
    """An import whose file has no end until it is stopped; its watching session is lost after the first rows."""

    def __init__(self, world) -> None:
        self.world = world
        self.lost = threading.Event()
        self.stopped = threading.Event()

    def lose_watch(self) -> None:
        end = time.monotonic() + 60
        while not self.world.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ses-ops group import'"
            " AND datname = current_database() AND strpos(query, 'rows_stored =') > 0"
        ):
            assert time.monotonic() < end
            time.sleep(0.02)
        self.lost.set()

    def blocks(self, then: Callable[[], None]) -> Iterator[bytes]:
        yield b"email,name\nann@example.org,Ann\n"
        self.lose_watch()
        then()
        assert self.stopped.wait(30), "nobody noticed"

    def run(self, *, ended=lambda: None, then=lambda: None) -> str:
        upload = GroupUpload(ORDER, ended=ended, stop=lambda why: self.stopped.set())
        with pytest.raises(ImportStopped) as raised:
            upload.run(self.world.dsn, ANYBODY, self.blocks(then))
        return raised.value.code


def record(world):
    with transaction(world.conn):
        found = imports.find(world.conn, str(ORDER.id))
    assert found is not None
    return found


def test_a_browser_that_left_is_noticed_after_the_session_was_lost(world):
    running = Import(world)
    gone = ImportStopped("upload_broken_off")
    assert running.run(ended=lambda: gone if running.lost.is_set() else None) == "upload_broken_off"
    assert record(world).state == "stopped"


def test_a_person_can_stop_it_after_the_session_was_lost(world):
    def ask() -> None:
        with transaction(world.conn):
            assert imports.ask_to_stop(world.conn, str(ORDER.id), by="ben")

    assert Import(world).run(then=ask) == "import_stopped"
    assert record(world).state == "stopped"
