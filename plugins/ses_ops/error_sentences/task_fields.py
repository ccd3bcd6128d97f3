"""Errors of the fields of a send task's definition."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "choice_missing": "must be one of {choices}",
    "choice_not_known": "must be one of {choices}, not {value!r}",
    "control_character": "has a line break or another control character",
    "end_not_after_start": "the end is not after the start",
    "every_or_cron": "a recurring task needs every (such as 24h or 7d) or cron, and not both",
    "expiry_has_passed": "{value!r} has passed",
    "expiry_not_of_this_reason": "an entry of reason {reason} does not end; only manual ones can",
    "field_missing": "is missing",
    "field_not_of_this_type": "makes no sense for a task of type {type}",
    "field_of_recurring_only": "makes no sense for a task of type {type}; type: recurring has it",
    "name_too_long": "{name!r} has more than {most} characters",
    "no_such_group": "there is no recipient group {group!r}",
    "not_a_mapping": "must be a mapping with at least name, type, template, sender and group",
    "not_a_span": "{value!r} is not a span; write for example 30m, 1h or 2d",
    "not_a_task_name": "{name!r} must be 1 to 100 of a-z, 0-9 and -, not beginning or ending with -",
    "not_a_text": "must be a text, not {value!r}",
    "not_a_time": "{value!r} is not a time; write for example 2026-12-01 09:00",
    "not_what_to_track": "{value!r} does not say what is tracked; write for example {{opens: true, clicks: false}}",
    "not_an_advertisement_place": "it must be none, before or after",
    "not_an_expiry": "{value!r} is not a day or time; write for example 2027-01-31",
    "public_url_missing": (
        "links to the unsubscribe page need the address at which recipients reach it: set SES_PUBLIC_URL for all of "
        "Airflow's components, for example to https://mail.example.com, or public_url in section ses_ops of "
        "airflow.cfg"
    ),
    "second_start_too_late": "its second start would be after the year {last}",
    "start_of_recurring_missing": "is missing: a recurring task with every needs a start time",
    "start_of_scheduled_missing": "is missing: a scheduled task needs a start time",
    "task_name_taken": "there is a send task {name!r} already; choose another name",
    "text_too_long": "has {count} characters; at most {most} are allowed",
    "too_many_names": "has {count} names; at most {most} are allowed",
    "tracking_without_public_url": (
        "opens and clicks need the address at which recipients reach the public listener: set SES_PUBLIC_URL for all "
        "of Airflow's components, for example to https://mail.example.com, or public_url in section ses_ops of "
        "airflow.cfg; or track neither, in the task (track) or as the default of the sender domain {domain}"
    ),
    "unknown_key": "unknown key; known are {known}",
    "unknown_key_meant": "unknown key; did you mean {meant}? known are {known}",
    "unsubscribe_or_address": (
        "a task has the unsubscribe page of ses-ops (unsubscribe) or an address of yours (unsubscribe_url), not both"
    ),
}
