"""The warm-up plan of a sender domain: an entry of the Airflow Variable with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ses_ops.application.ports import Actor, PlanStore

#: The action in the audit log, whose entries are the history of a plan.
ACTION = "change_quota"


def change(
    actor: Actor, store: PlanStore, domain: str, entry: Mapping[str, Any], *, before: object, seen: str
) -> Changed:
    """Give a domain another plan, if its entry is still what the person saw; `before` is what it was.

    Raises QuotaError, InvalidInput and Conflict, as the store does.
    """
    with actor.recorded(ACTION, domain=domain, before=before, after=entry):
        store.write_quota_entry(domain, entry, seen=seen)
    return Changed()
