"""Errors of the warm-up quota, and reasons for which mail waits for it."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "given_up_while_blocked": "given up by {who}, as {domain} was blocked",
    "quota_day_length_not_valid": (
        "must be an ISO 8601 duration from PT5S to PT24H, such as PT24H (a real day) or PT60S (a rehearsal), not "
        "{value!r}"
    ),
    "quota_domain_not_valid": "this is not a domain name: {problem}",
    "quota_entries_repeated": "this domain has several entries: {names}; keep one of them",
    "quota_entry_changed_meanwhile": (
        "the entry of {domain!r} was edited meanwhile; look at it as it is now, and save again"
    ),
    "quota_entry_missing": "the Airflow Variable ses_warmup_quota has no entry for this sender domain",
    "quota_entry_not_an_object": "must be an object with plan and started_on",
    "quota_field_needs_reputation": (
        'only holds with "plan": "reputation" (or, but for start_level, with "guard": true); take it out, or write one '
        "of those"
    ),
    "quota_field_repeated": "the field stands there more than once; keep one",
    "quota_field_unknown": "unknown field; known are {fields}",
    "quota_guard_of_reputation": (
        'a plan that the reputation leads needs no guard; take it out, or write a calendar as "plan"'
    ),
    "quota_level_not_valid": "must be a level from 1 to {most}, not {value!r}",
    "quota_max_level_too_low": "must be {start} or more, the level at which the domain begins, not {value}",
    "quota_not_an_object": (
        "the Airflow Variable ses_warmup_quota must be a JSON object, one entry a domain; set it to for example "
        '{{"mail.example.com": {{"plan": "standard", "started_on": "2026-12-01", "time_zone": "Asia/Tokyo"}}}}'
    ),
    "quota_not_json": (
        "the Airflow Variable ses_warmup_quota is not JSON ({cause}); set it to for example "
        '{{"mail.example.com": {{"plan": "standard", "started_on": "2026-12-01", "time_zone": "Asia/Tokyo"}}}}'
    ),
    "quota_not_set": (
        'the Airflow Variable ses_warmup_quota is not set; set it to for example {{"mail.example.com": {{"plan": '
        '"standard", "started_on": "2026-12-01", "time_zone": "Asia/Tokyo"}}}}'
    ),
    "quota_number_not_valid": "must be a whole number of messages, 1 or more, not {value!r}",
    "quota_plan_not_valid": (
        'must be "standard", "reputation" or a list of messages a day, such as [500, 1000], not {value!r}'
    ),
    "quota_set_by_secrets_backend": (
        "what is read as the Airflow Variable {name} is not what Airflow's database has, because a secrets "
        "backend sets it; edit it there"
    ),
    "quota_share_not_valid": "must be a whole number of percent from 0 to {most}, not {value!r}",
    "quota_start_not_a_date": (
        "must be a date such as 2026-12-01 (or a date and time) from {first} to {last}, not {value!r}"
    ),
    "quota_switch_not_valid": "must be true or false, not {value!r}",
    "quota_time_zone_unknown": "{name!r} is not an IANA time zone",
    "quota_has_risen": "the quota of {domain} has risen to {quota:,} today; the mail goes on",
    "quota_used_up": "today's quota of {quota:,} for {domain} is used up",
    "quota_used_up_by_doubt": "tries whose end is in doubt have used up the quota that was reserved",
    "sender_domain_blocked": "{domain} is blocked until {until}; {why}",
    "sender_domain_blocked_for_good": "{domain} is blocked until a person releases it; {why}",
    "sender_domain_has_no_block": "mail of {domain} is not blocked; there is nothing to release or to give up",
    "sender_domain_mail_given_up": "the waiting mail of {domain} was given up: it counts as failed",
    "sender_domain_released": "the block of {domain} was ended",
    "sender_domain_not_found": "there is no sender domain named {name!r}",
    "sender_domain_not_known": "there is no sender domain named {name!r}; known are {known}",
    "test_send_without_room": "the quota had no room for this test send",
    "waits_for_warmup": "the warm-up of {domain} begins at {start}",
    "warmup_not_begun": "the warm-up begins at {start}; nothing may be sent before",
}
