"""Worker processes read templates, and are ended when a call takes too long or too much memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from ses_ops.errors import NotFound, TemplateError
from ses_ops.rendering import worker
from ses_ops.rendering.worker_template import facts_in_worker, load_in_worker


@pytest.fixture
def processes():
    """Fresh ones, whatever another test has made of those of this process."""
    worker.end()
    worker.begin()
    yield
    worker.end()
    worker.begin()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "subject.txt").write_text("Hello {{ name }}")
    (folder / "body.html").write_text("<p>{{ name }}</p>")
    (folder / "sample.json").write_text('{"name": "Ann"}')
    return tmp_path


def pid() -> int:
    return os.getpid()


def one_call_of_minutes() -> None:
    ("a" * 3_000_000).rfind("ab" + "a" * 1_000_000)


def endless() -> None:
    while True:
        pass


def greedy() -> int:
    return len(bytearray(4 << 30))


def dies() -> None:
    os._exit(3)


def test_a_template_is_loaded_and_filled_in_by_another_process(processes, root):
    found = load_in_worker(root, "hello")
    assert (found.html, found.sample_values, found.variables) == (True, {"name": "Ann"}, {"name"})
    assert found.variables_for("{{ other }}") == {"name", "other"}
    assert found.preview({"name": "Ben"}).subject == "Hello Ben"
    assert facts_in_worker(root, "hello").error is None
    assert worker.call("hello", pid) != os.getpid()


def test_errors_are_those_that_were_raised(processes, root):
    with pytest.raises(NotFound, match="nobody") as raised:
        load_in_worker(root, "nobody")
    assert raised.value.name == "nobody"
    (root / "hello" / "body.html").write_text("{{ 1 / 0 }}")
    with pytest.raises(TemplateError, match="division") as failed:
        load_in_worker(root, "hello").preview({"name": "x"})
    assert (failed.value.template, failed.value.part) == ("hello", "body.html")
    assert facts_in_worker(root, "hello").error.part == "body.html"


@pytest.mark.parametrize("call", [one_call_of_minutes, endless, greedy, dies])
def test_what_takes_too_long_or_too_much_is_ended_while_others_go_on(processes, monkeypatch, call):
    assert worker.call("fine", pid)  # they are there
    ask = worker._Worker.ask

    def impatient(self, order, longest):
        """Only with this call: on a busy machine any other may take 2 s, too."""
        return ask(self, order, longest / 10 if call.__name__.encode() in order else longest)

    monkeypatch.setattr(worker._Worker, "ask", impatient)
    with ThreadPoolExecutor(1) as thread:
        evil = thread.submit(worker.call, "evil", call)
        assert worker.call("fine", pid) != os.getpid()
        with pytest.raises(TemplateError, match=r"'evil': it takes too long or too much memory"):
            evil.result(60)
    assert worker.call("fine", pid) != os.getpid()


def test_a_template_that_was_stopped_is_not_tried_again_at_once(processes, monkeypatch):
    with pytest.raises(TemplateError):
        worker.call("evil", dies)
    with pytest.raises(TemplateError, match="was stopped"):
        worker.call("evil", pid)
    monkeypatch.setattr(worker, "PENALTY", 0.0)
    with pytest.raises(TemplateError):
        worker.call("worse", dies)
    assert worker.call("worse", pid)


def mistaken() -> None:
    raise KeyError("a mistake of ours")


def test_a_mistake_of_ours_is_no_fault_of_the_template(processes):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a mistake of ours"):
            worker.call("hello", mistaken)


def test_whoever_is_no_server_looks_at_templates_itself():
    worker.end()
    try:
        assert worker.call("hello", pid) == os.getpid()
    finally:
        worker.begin()


def test_a_process_knows_nothing_of_our_environment(processes, monkeypatch):
    monkeypatch.setenv("SES_SECRET", "x")
    worker.end()
    worker.begin()
    assert worker.call("hello", os.getenv, "SES_SECRET") is None
