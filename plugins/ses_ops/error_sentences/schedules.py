"""Errors of a time, a time zone or a recurrence."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "cron_field_not_valid": "{value!r} is not a cron expression of five fields: {why}",
    "cron_never_happens": "{value!r} never happens",
    "cron_nickname": "{value!r} is not a cron expression of five fields; write {other!r}",
    "cron_range_backwards": "its {kind} {part!r} runs backwards; write it as two, {two}",
    "cron_step_not_valid": "its {kind} {part!r} has a step that is no whole number from 1 to {most}",
    "cron_step_without_range": "its {kind} {part!r} has a step without a range; write {other}",
    "cron_value_not_valid": (
        "its {kind} cannot be {part!r}: it is * or numbers from {least} to {most}, in lists (1,15), ranges (1-5) "
        "and steps (*/10)"
    ),
    "cron_value_not_valid_named": (
        "its {kind} cannot be {part!r}: it is * or numbers from {least} to {most} or names such as {name}, in "
        "lists (1,15), ranges (1-5) and steps (*/10)"
    ),
    "not_a_cron_expression": "{value!r} is not a cron expression of five fields, such as '0 9 * * MON'",
    "not_a_recurrence": "{value!r} is not a recurrence: write whole hours or days, such as 24h or 7d",
    "not_a_time_zone": "{name!r} is not an IANA time zone (write for example Asia/Tokyo or UTC)",
    "schedule_not_usable": "its schedule cannot be worked out: {problem}",
    "span_too_long": "{value!r} is longer than the years from {first} to {last}",
    "start_out_of_range": "its start at {moment} UTC is not in the years from {first} to {last}",
    "time_has_passed": "{value} has passed",
    "time_out_of_range": "{value!r} is not in the years from {first} to {last}",
    "time_skipped": (
        "{moment} does not exist in {zone}: a clock change skips it; write {other}, which is the same moment, or "
        "another time"
    ),
    "time_skipped_every_day": (
        "{moment} does not exist in {zone}: a clock change skips it, and every later day would be at {other}; "
        "begin on another day"
    ),
}
