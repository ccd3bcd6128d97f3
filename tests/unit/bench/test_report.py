"""The benchmark's table, file and plot say plainly what was reached and what was not."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from rich.console import Console

from bench import __main__ as program
from bench import messages, report
from bench.context import Bench
from bench.figure import Bar, Figure, Verdict
from bench.measures import MEASURES
from bench.peers import nodemailer, smtp_hook
from bench.plot import draw
from bench.sizes import FULL, QUICK

AT_MOST_10 = Bar(limit=10)
TWICE = Bar(limit=2, at_least=True, of_ratio=True)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure(what="x", value=10, bar=AT_MOST_10), Verdict.REACHED),
        (Figure(what="x", value=10.01, bar=AT_MOST_10), Verdict.MISSED),
        (Figure(what="x", value=30, peer_value=15, bar=TWICE), Verdict.REACHED),
        (Figure(what="x", value=29, peer_value=15, bar=TWICE), Verdict.MISSED),
        (Figure(what="x", value=99, bar=AT_MOST_10, full_size=False), Verdict.NOT_JUDGED),
        (Figure(what="x", value=99), Verdict.SHOWN),
        (Figure(what="x", skipped="no time"), Verdict.SKIPPED),
        (Figure(what="x", value=1, bar=AT_MOST_10, failed="broke"), Verdict.FAILED),
    ],
)
def test_a_figure_knows_how_it_stands_to_its_bar(figure, verdict):
    assert figure.verdict is verdict


def shown(measured: dict[str, list[Figure]]) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(report.table(measured, title="all"))
    return console.export_text()


def test_the_table_has_the_peer_the_ratio_the_bar_and_whether_it_is_reached():
    slow = Figure(what="a rate", value=8_000, unit="messages/s", peer="a peer", peer_value=10_000, bar=TWICE)
    text = shown({"one": [slow], "two": [Figure(what="broken", failed="RuntimeError: [Errno 2] no such thing")]})
    for words in ("8,000 messages/s", "a peer: 10,000", "0.80 x", "at least 2 x", "MISSED", "FAILED", "[Errno 2]"):
        assert words in text, words


def test_the_summary_names_what_was_not_reached():
    figures = [Figure(what="good", value=1, bar=AT_MOST_10), Figure(what="bad", value=11, bar=AT_MOST_10)]
    assert report.summary(figures) == "1 bars reached, 1 missed; not reached: bad"


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (123.4, "123"), (19.07, "19.1"), (1.043, "1.04"), (0.0719, "0.072"), (4, "4")],
)
def test_numbers_keep_the_digits_that_count(value, text):
    assert report.number(value) == text


def test_a_measure_that_fails_loses_none_of_the_others(monkeypatch, capsys, tmp_path):
    def measure(bench):
        raise RuntimeError("the disk is full")

    good = Figure(what="good", value=1.0, bar=AT_MOST_10)
    monkeypatch.setattr("bench.measures.engine.measure", measure)
    monkeypatch.setattr("bench.measures.roundtrips.measure", lambda bench: [good])
    code = program.main(["--only", "engine", "roundtrips", "--json", "--output", str(tmp_path / "out.json")])
    assert code == 1
    written = json.loads((tmp_path / "out.json").read_text())
    assert written == json.loads(capsys.readouterr().out)
    assert written["measures"]["engine"][0]["verdict"] == "FAILED"
    assert "the disk is full" in written["measures"]["engine"][0]["note"]
    assert written["measures"]["roundtrips"][0]["verdict"] == "reached"


def test_the_plot_is_drawn_from_the_results(tmp_path):
    rounds = {"rates": [9_000.0, 10_000.0], "cpu_per_1000": [0.1, 0.09]}
    measured = {
        "engine": [
            Figure(what="a", value=10_000, peer_value=9_000, bar=TWICE, data={"ses-ops, ledger written": rounds})
        ],
        "roundtrips": [Figure(what="b", value=19, data={"ses-ops": {"rate": 19.0}})],
        "scaling": [Figure(what=f"{n}", value=100, data={"recipients": n}) for n in (10, 100)],
    }
    draw(report.as_json(measured, quick=True, message_bytes=4_444, seconds=1), tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    for words in ("<svg", "messages/s, best round", "10,000", "19.0", "share of the bar"):
        assert words in text, words


def test_every_measure_has_its_module():
    import importlib

    assert all(callable(importlib.import_module(f"bench.measures.{name}").measure) for name in MEASURES)


def test_a_quick_run_without_time_for_a_stack_says_so(monkeypatch):
    bench = Bench(QUICK, tell=lambda line: None)
    monkeypatch.setattr(Bench, "seconds", property(lambda self: 100.0))
    (figure,) = program._measure("whole_way", bench)
    assert figure.verdict is Verdict.SKIPPED
    assert "quick run" in figure.skipped


def two_figures_and_a_long_wait(bench):
    yield Figure(what="first", value=1.0, bar=AT_MOST_10)
    time.sleep(60)
    yield Figure(what="second", value=2.0)


@pytest.mark.parametrize(("sizes", "verdict"), [(QUICK, Verdict.SKIPPED), (FULL, Verdict.FAILED)])
def test_a_measure_that_takes_too_long_is_ended_and_keeps_the_figures_that_it_has(monkeypatch, sizes, verdict):
    monkeypatch.setattr("bench.measures.whole_way.measure", two_figures_and_a_long_wait)
    bench = Bench(replace(sizes, measure_within=0.2), tell=lambda line: None)
    first, rest = program._measure("whole_way", bench)
    assert (first.what, first.value) == ("first", 1.0)
    assert rest.verdict is verdict
    assert "the rest" in rest.what


def test_a_measure_that_fails_keeps_the_figures_that_it_has(monkeypatch, capsys):
    def measure(bench):
        yield Figure(what="first", value=1.0)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("bench.measures.pages.measure", measure)
    first, rest = program._measure("pages", Bench(FULL, tell=lambda line: None))
    assert (first.what, rest.failed) == ("first", "RuntimeError: the disk is full")


@pytest.mark.parametrize(("options", "file"), [([], "results.json"), (["--quick"], "results-quick.json")])
def test_a_quick_run_leaves_the_results_of_a_full_one_alone(monkeypatch, capsys, tmp_path, options, file):
    monkeypatch.delenv("QUICK", raising=False)
    for name in ("RESULTS", "QUICK_RESULTS"):
        monkeypatch.setattr(program, name, tmp_path / getattr(program, name).name)
    for name in MEASURES:
        monkeypatch.setattr(f"bench.measures.{name}.measure", lambda bench: [Figure(what="x", value=1, bar=AT_MOST_10)])
    assert program.main(options) == 0
    written = {path.name for path in tmp_path.iterdir()} - {"results.svg"}
    assert written == {file}
    verdict = json.loads((tmp_path / file).read_text())["measures"]["engine"][0]["verdict"]
    assert verdict == ("not judged" if options else "reached")


def test_the_messages_have_4_to_5_kb_for_every_kind_of_customer():
    assert 4_000 <= messages.wire_bytes() <= 5_000
    assert any(not name.isascii() for name in messages.NAMES)


def test_the_peers_fill_in_every_variable_of_the_same_letter():
    assert nodemailer.PLACEHOLDERS == smtp_hook.PLACEHOLDERS
    letter = messages.parts(smtp_hook.PLACEHOLDERS)
    own = messages.parts(messages.values(5))
    assert smtp_hook._fill(letter.text, messages.values(5)) == own.text
    assert smtp_hook._fill(letter.html, messages.values(5)) == own.html
    assert "Zoë Ångström 5" in own.text
