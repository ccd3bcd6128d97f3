"""The storm guard: many new hard bounces of one mailbox provider at once are rather a fault of that provider.

Providers have answered "no such user" to everybody in outages, and an entry of the suppression list lasts for ever. So
beyond a limit the entries wait for a person.
"""

from __future__ import annotations

from datetime import timedelta

#: The span in which hard bounces are counted.
SPAN = timedelta(hours=1)
#: Number of new hard bounces that are never too many.
ALWAYS_ALLOWED = 20
#: Percent of the provider's recipients that were mailed in the last 24 hours. A list that was never cleaned has some
#: 3 % dead addresses; 5 % and more is what providers themselves call abuse.
ALLOWED_PERCENT = 5


def most_hard_bounces(mailed: int) -> int:
    """The number of new hard bounces in an hour up to which a provider is believed; `mailed` recipients in a day."""
    return max(ALWAYS_ALLOWED, mailed * ALLOWED_PERCENT // 100)
