"""The simulation of the reputation gives the committed figures and chart, and they say what the text says."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.reputation_chart import chart
from bench.reputation_simulation import CHART, DAYS, RESULTS, as_text, simulate


@pytest.fixture(scope="module")
def results():
    return simulate()


def test_the_committed_figures_and_chart_are_those_of_the_script(results):
    assert RESULTS.read_text(encoding="utf-8") == as_text(results), "python -m bench.reputation_simulation"
    assert CHART.read_text(encoding="utf-8") == chart(results)
    ElementTree.fromstring(chart(results))


def refused(rows) -> int:
    return sum(row["attempted"] - row["accepted"] for row in rows)


def test_a_good_list_rises_a_bought_one_never_and_a_bad_mailing_costs_less_than_by_the_calendar(results):
    good, hurt, calendar, bought = results.values()
    assert all(len(rows) == DAYS for rows in results.values())
    assert [row["level"] for row in good] == sorted(row["level"] for row in good)
    assert good[8]["level"] == 20
    assert all("lower" not in row["decisions"] for row in good)
    assert {row["level"] for row in bought} == {1}
    assert sum(row["accepted"] for row in bought) < 10_000
    assert all("lower" in row["decisions"] for row in hurt[24:27])
    assert all("block" in row["decisions"] for row in hurt[25:27])
    assert min(row["level"] for row in hurt) < hurt[-1]["level"]
    assert 15 * refused(hurt) < refused(calendar)
    assert sum(hurt[-1]["trust"]) > sum(calendar[-1]["trust"])
