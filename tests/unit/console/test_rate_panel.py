"""The low charts of levels and rates: nothing leaves the panel, and every value above zero is seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ses_ops.console.charts.rate_panel import ABOVE, HEIGHT, Bar, PanelLine, draw_panel

VALUES = st.lists(st.none() | st.integers(min_value=0, max_value=10_000), max_size=80)
LINES = st.lists(st.integers(min_value=0, max_value=10_000), max_size=2)


def bars_of(values):
    return [Bar(value=one, title=str(one), label=str(place)) for place, one in enumerate(values)]


@given(VALUES, LINES, st.integers(min_value=1, max_value=5_000), st.integers(min_value=1, max_value=300))
def test_bars_and_thresholds_stay_within_the_panel(values, lines, at_least, step):
    thresholds = [PanelLine(value=one, lowers=True) for one in lines]
    panel = draw_panel(bars_of(values), thresholds, at_least=at_least, step=step)
    assert panel.highest >= at_least
    assert panel.highest % step == 0
    for one, value in zip(panel.bars, values, strict=True):
        assert (one.bar is not None) == bool(value), "nothing is drawn for what is zero or not known"
        if one.bar is not None:
            top, height = one.bar
            assert top >= ABOVE - 0.05
            assert height >= 2
            assert abs(top + height - (ABOVE + HEIGHT)) < 0.11
    assert all(ABOVE - 0.05 <= one.y <= ABOVE + HEIGHT for one in panel.thresholds)


@given(st.lists(st.integers(min_value=1, max_value=100), min_size=2, max_size=70))
def test_a_larger_value_has_no_lower_bar(values):
    panel = draw_panel(bars_of(values), at_least=1)
    heights = [(value, one.bar[1]) for value, one in zip(values, panel.bars, strict=True) if one.bar]
    assert all(a[1] <= b[1] for a, b in zip(sorted(heights), sorted(heights)[1:], strict=False))


def test_days_are_written_below_the_last_panel_only_and_at_most_as_many_as_fit():
    bars = bars_of(range(60))
    assert not any(one.labelled for one in draw_panel(bars, at_least=4).bars)
    written = [one.source.label for one in draw_panel(bars, at_least=4, labelled=True).bars if one.labelled]
    assert written == ["14", "29", "44", "59"]
