"""The snapshot of sender domains and their quotas, read at most every two seconds.

Sender domains have no DAG, so every person who may see what tasks share sees their numbers; names of tasks are shown
only to persons who may see those tasks. The text of the Variable is shown to persons who may read Variables in Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import VariableDetails

from ses_ops.application.quota_status import DomainQuota, domain_quota, known_domains
from ses_ops.console.database import Snapshot
from ses_ops.domain.address import domain_key
from ses_ops.domain.warmup import VARIABLE, QuotaPlans
from ses_ops.orchestration.connections import quota_plans
from ses_ops.orchestration.lookup.airflow_lookup import fixed_variable
from ses_ops.storage.connection import database_now

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.overview import TaskOverview


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Every sender domain that has tasks, an entry in the Variable, or sent mail."""

    plans: QuotaPlans
    #: The moment of the query, by the database's clock.
    read_at: datetime
    quotas: tuple[DomainQuota, ...]

    def find(self, domain: str) -> DomainQuota | None:
        """The quota of one domain, in any spelling (`domain_key`); None for an unknown domain."""
        key = domain_key(domain)
        return next((quota for quota in self.quotas if quota.domain == key), None)


@dataclass(frozen=True, kw_only=True)
class VariableRights:
    """A person's rights to the quota Variable in Airflow, and where it is set."""

    read: bool
    #: False also where the Variable is set outside of Airflow's database, because an edit there would change nothing.
    edit: bool
    #: Whether the environment sets the Variable.
    from_environment: bool
    #: The secrets backend that sets the Variable; "" without one.
    backend: str


def variable_rights(user: BaseUser) -> VariableRights:
    """The rights of a person to the quota Variable."""
    details = VariableDetails(key=VARIABLE)
    manager = get_auth_manager()
    fixed = fixed_variable(VARIABLE)
    return VariableRights(
        read=manager.is_authorized_variable(method="GET", details=details, user=user),
        edit=fixed is None and manager.is_authorized_variable(method="PUT", details=details, user=user),
        from_environment=fixed is not None and not fixed.backend,
        backend="" if fixed is None else fixed.backend,
    )


def _read(conn: Connection) -> Domains:
    plans = quota_plans()
    quotas = tuple(domain_quota(conn, plans, domain) for domain in known_domains(conn, plans) if domain)
    return Domains(plans=plans, read_at=database_now(conn), quotas=quotas)


DOMAINS: Snapshot[Domains] = Snapshot(_read, age=2.0)


def has_quota_now(task: TaskOverview) -> bool:
    """Whether the quota day of a task's sender domain has room for its mail at this moment."""
    return quota_left(task.sender_domain, task.name, fresh=True)


def quota_left(domain: str, task: str, *, fresh: bool = False) -> bool:
    """Whether a domain has quota left for mail of a task today."""
    quota = DOMAINS.get(fresh=fresh).find(domain)
    return quota is not None and quota.room_for(task) > 0
