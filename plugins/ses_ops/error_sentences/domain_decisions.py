"""A person's decisions about the reputation of a sender domain, and why one is refused."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "level_not_valid": "must be a level from 1 to 20, not {value!r}",
    "reason_missing": "a reason is required: colleagues read it beside the decision",
    "reputation_blocked_by_person": "a person has blocked the domain; it waits until somebody releases it",
    "reputation_blocked_today_by_person": "a person has blocked the domain until its quota day ends",
    "reputation_cap_taken_away": "a person lets the level rise as far as the plan allows",
    "reputation_capped": "a person lets the level rise no higher than {level}, {quota:,} messages a day",
    "reputation_not_pinned": "the level of {name!r} is not pinned",
    "reputation_pinned": (
        "a person has pinned the level at {level}, {quota:,} messages a day, whatever the figures say"
    ),
    "reputation_reset": (
        "a person has reset the reputation: it begins anew at level {level}, and earlier days count no more"
    ),
    "reputation_unpinned": "a person lets the figures lead the level again, from level {level}",
}
