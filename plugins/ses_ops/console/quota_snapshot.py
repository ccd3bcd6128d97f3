"""The sender domains and their quotas: read once every two seconds for everybody who looks.

Sender domains have no DAG, so who may read DAGs may look at their numbers; names of tasks are shown to those only who
may see the tasks. The Variable itself, word for word, is for those who may read Variables in Airflow.
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


@dataclass(frozen=True, kw_only=True)
class Domains:
    """Every sender domain that has tasks, an entry, or a past."""

    plans: QuotaPlans
    #: By the database's clock.
    read_at: datetime
    quotas: tuple[DomainQuota, ...]

    def find(self, domain: str) -> DomainQuota | None:
        """One of them, however it is written."""
        key = domain_key(domain)
        return next((quota for quota in self.quotas if quota.domain == key), None)


@dataclass(frozen=True, kw_only=True)
class VariableRights:
    """What a person may do with the Variable in Airflow."""

    read: bool
    #: False too where it is set elsewhere: an edit in Airflow would change nothing.
    edit: bool
    #: The environment sets it.
    from_environment: bool
    #: The secrets backend that sets it, "" if none does.
    backend: str


def variable_rights(user: BaseUser) -> VariableRights:
    """What Airflow says about this person and the Variable."""
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


def quota_left(domain: str, task: str, *, fresh: bool = False) -> bool:
    """Whether a domain's quota day has room for mail of a task now."""
    quota = DOMAINS.get(fresh=fresh).find(domain)
    return quota is not None and quota.room_for(task) > 0
