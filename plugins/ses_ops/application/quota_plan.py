"""Changes of a sender domain's warm-up plan.

A plan is the entry of a sender domain in the Airflow Variable that has the plans of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ses_ops.application.ports import Actor, PlanStore

#: Action name in the audit log; its entries are the history of a plan.
ACTION = "change_quota"


def change(
    actor: Actor, store: PlanStore, domain: str, entry: Mapping[str, Any], *, before: object, seen: str
) -> Changed:
    """Replace the plan of a domain if its entry is still the one that the person saw; `before` is that entry.

    Raises QuotaError, InvalidInput and Conflict, as `PlanStore` does.
    """
    with actor.recorded(ACTION, domain=domain, before=before, after=entry):
        store.write_quota_entry(domain, entry, seen=seen)
    return Changed()
