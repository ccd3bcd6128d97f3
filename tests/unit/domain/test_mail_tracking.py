"""What a task says of its opens and clicks, and whose word counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.mail_tracking import Tracking, parse_tracking, tracking_text
from ses_ops.errors import InvalidInput

choices = st.sampled_from([None, True, False])
trackings = st.builds(Tracking, choices, choices)


@given(trackings)
def test_a_definition_reads_as_it_was_written(tracking):
    text = tracking_text(tracking)
    assert (parse_tracking(text) if text else Tracking()) == tracking


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("opens: true, clicks: true", (True, True)),
        ("clicks: no", (None, False)),
        ("Opens:ON", (True, None)),
        ("opens: default, clicks: off", (None, False)),
    ],
)
def test_what_people_write_is_read(text, read):
    assert parse_tracking(text) == read


@pytest.mark.parametrize(
    "text", ["true", "opens", "open: true", "opens: maybe", "opens: true, opens: true", "opens true"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        parse_tracking(text)
    assert refused.value.code == "not_what_to_track"
    assert "opens: true" in str(refused.value)


@given(trackings, trackings)
def test_the_domain_is_asked_only_for_what_the_task_leaves_open(task, domain):
    found = task.or_else(domain)
    for of_task, of_domain, result in zip(task, domain, found, strict=True):
        assert result == (of_domain if of_task is None else of_task)
