"""What routes of the native API declare: the key that they need, the services; and whose mail a key may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

from ses_ops.api.keys import check_domain, key_with
from ses_ops.api.services import ApiServices, services_of
from ses_ops.domain.address import domain_key
from ses_ops.domain.api_key import ANY_DOMAIN, ApiKey, Scope
from ses_ops.domain.warmup import QuotaPlans

if TYPE_CHECKING:
    from collections.abc import Collection

#: A key of the request that is for this.
Sends = Annotated[ApiKey, Depends(key_with(Scope.SEND))]
Reads = Annotated[ApiKey, Depends(key_with(Scope.READ))]
Manages = Annotated[ApiKey, Depends(key_with(Scope.MANAGE))]


def _services(request: Request) -> ApiServices:
    return services_of(request)


def _plans(request: Request) -> QuotaPlans:
    return services_of(request).airflow.plans()


Served = Annotated[ApiServices, Depends(_services)]
#: The warm-up plans as they were last seen.
Plans = Annotated[QuotaPlans, Depends(_plans)]


def domains_of(key: ApiKey) -> frozenset[str] | None:
    """The sender domains whose mail a key may see; None: all."""
    return None if ANY_DOMAIN in key.domains else key.domains


def domains_asked(key: ApiKey, domain: str | None) -> Collection[str] | None:
    """The sender domains of an answer: the one that was asked for, else those of the key; None: all.

    Raises Refusal 403 for one that is not the key's.
    """
    if domain is None:
        return domains_of(key)
    name = domain_key(domain)
    check_domain(key, name, "domain")
    return (name,)
