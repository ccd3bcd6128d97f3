"""A file is being imported into the group of a task that starts, and its upload has come to a standstill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from ses_ops.application import task_decisions
from ses_ops.application.group_import import import_group
from ses_ops.errors import TemplateError
from ses_ops.sending import freeze as freezing
from ses_ops.storage.connection import connected
from tests.actors import ANYBODY


@contextmanager
def stalled_import(world, header: str = "email,name") -> Iterator[Callable[[], None]]:
    """In the `with`, an import into `customers` waits for its last block; what it yields finishes the import."""
    waits, go_on = Event(), Event()

    def blocks() -> Iterator[bytes]:
        yield f"{header}\n".encode()
        yield b"".join(b"new%d@b.example,New\n" % number for number in range(5))
        waits.set()
        go_on.wait(30)
        yield b"last@b.example,Last\n"

    def work() -> None:
        with connected(world.dsn) as conn:
            import_group(conn, "customers", blocks(), where="f.csv", report=lambda _: None)

    importing = Thread(target=work)

    def finish() -> None:
        go_on.set()
        importing.join(30)

    importing.start()
    try:
        assert waits.wait(30)
        yield finish
    finally:
        finish()


@pytest.fixture
def impatient(world):
    """Whoever waits for a lock fails, instead of the test."""
    world.execute("SET lock_timeout = '2s'")
    world.group("customers", 10)
    world.task("hello", group="customers")
    return world


def test_a_task_starts_with_the_group_as_it_is_while_a_file_is_imported(impatient, mail_server):
    with stalled_import(impatient):
        run = impatient.run("hello")
        assert impatient.freeze(run).request_count == 10
        assert task_decisions.pause(impatient.conn, ANYBODY, "hello", reason="a person can still act").changed
        task_decisions.resume(impatient.conn, ANYBODY, "hello")
        assert impatient.whole_run(run).sent == 10
    assert {address.partition("-")[0] for address in mail_server.accepted} == {"customers"}


def test_a_file_that_comes_in_between_is_taken_whole_or_not_at_all(impatient, monkeypatch):
    """It is committed after the template was checked, and before the audience is written."""
    check = freezing.check_template
    with stalled_import(impatient, header="email,city") as finish:

        def checked_then_imported(*arguments, **more):
            checked = check(*arguments, **more)
            finish()
            return checked

        monkeypatch.setattr(freezing, "check_template", checked_then_imported)
        with pytest.raises(TemplateError, match="needs name"):
            impatient.freeze(impatient.run("hello"))
    assert impatient.states() == {}
    assert "needs name" in impatient.overview("hello").error
