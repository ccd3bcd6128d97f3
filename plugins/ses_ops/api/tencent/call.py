"""What an action is given, and what it may ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_ops.api.tencent.action_error import ActionError
from ses_ops.domain.api_key import ANY_DOMAIN, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor, Scheduler
    from ses_ops.domain.api_key import ApiKey
    from ses_ops.domain.warmup import QuotaPlans

#: Most items of a list that one request gets.
MOST_LISTED = 100
_VISIBLE = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request of a program whose key is proved. `conn` is for this request alone, in a thread of its own."""

    key: ApiKey
    action: str
    params: Mapping[str, Any]
    conn: Connection
    actor: Actor
    scheduler: Scheduler
    #: The warm-up plans of the sender domains; raises SesError where they cannot be read.
    plans: Callable[[], QuotaPlans]
    templates_root: Path
    now: datetime
    #: Of times without an offset in requests, and of all in answers.
    zone: ZoneInfo
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """A parameter; None when it was not given."""
        return self.params.get(name)

    @property
    def domains(self) -> list[str] | None:
        """The sender domains of the key; None: all."""
        return None if ANY_DOMAIN in self.key.domains else sorted(self.key.domains)

    def check_domain(self, domain: str) -> None:
        """Raise ActionError unless the key is for this sender domain."""
        if not self.key.may_use(domain):
            raise not_allowed(f"the sender domain {domain}")

    def page(self, *, most: int = MOST_LISTED, default: int | None = None) -> tuple[int, int]:
        """`Offset` and `Limit`. Raises ActionError."""
        return checked_page(self.get("Offset"), self.get("Limit"), most=most, default=default)


def checked_page(offset: int | None, limit: int | None, *, most: int, default: int | None = None) -> tuple[int, int]:
    """An offset and a limit in their bounds. Raises ActionError."""
    offset, limit = offset or 0, default if limit is None and default is not None else limit or 0
    if not 0 <= limit <= most:
        raise ActionError("FailedOperation.InvalidLimit", f"The value of parameter `Limit` is not within 0 and {most}.")
    if not 0 <= offset <= 10**9:
        raise ActionError("InvalidParameterValue", "The value of parameter `Offset` is negative or too large.")
    return offset, limit


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The name that a client of ours gives its request, which the reference has not; "": none. Raises ActionError."""
    given = headers.get("idempotency-key", "")
    if given and not _VISIBLE.fullmatch(given):
        why = "The header `Idempotency-Key` must be 1 to 255 visible ASCII characters."
        raise ActionError("InvalidParameterValue", why)
    return given


def not_allowed(what: str) -> ActionError:
    """The key is not for this."""
    return ActionError("AuthFailure.UnauthorizedOperation", f"The key is not for {what}.")


#: The scopes of which a key needs one, by kind of action.
SENDS, READS, MANAGES = frozenset({Scope.SEND}), frozenset({Scope.READ}), frozenset({Scope.MANAGE})
ASKS_OF_OWN_MAIL = SENDS | READS
