"""What the routes of the API work with, kept at `request.app.state.services`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from ses_ops.api.airflow_child import AirflowChild
from ses_ops.api.bodies import HeldOctets
from ses_ops.api.keys import KeyRing
from ses_ops.api.known_answers import KnownAnswers
from ses_ops.api.mail_side import LiveMail
from ses_ops.api.rates import Buckets, KeyRates
from ses_ops.api.threads import DatabaseThreads
from ses_ops.api_settings import api_per_second
from ses_ops.application.airflow_copy import AirflowCopy
from ses_ops.application.airflow_requests import AskedAuditLog, AskedPlanStore, AskedScheduler
from ses_ops.application.changed import Changed
from ses_ops.application.ports import Actor
from ses_ops.domain.api_key import ApiKey, Scope
from ses_ops.errors import NotSetUp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from psycopg2.extensions import connection as Connection
    from starlette.requests import Request

    from ses_ops.application.ports import PlanStore
    from ses_ops.application.single_messages.orders import Answer, Order
    from ses_ops.domain.single_message import SingleMessage
    from ses_ops.sending.single.prepared_mail import PreparedMail

Given = ParamSpec("Given")
Result = TypeVar("Result")


class MailSide(Protocol):
    """The acceptance and the sending of single messages in this process (api/mail_side.py)."""

    async def prepare(self, message: SingleMessage, /) -> PreparedMail:
        """See `MailPreparer.prepare`."""
        ...

    async def accept(self, orders: Sequence[Order], /) -> list[Answer]:
        """See `Acceptor.accept`."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def close(self) -> None:
        """End: what has begun is sent, the rest is given back."""
        ...

    def health(self) -> dict[str, Any]:
        """Members of `/health`; `status` is `ok`, `degraded` (accepted mail waits) or `failing` (none is accepted)."""
        ...


class NoMailSide:
    """In place of a mail side in tests of other routes: nothing is accepted."""

    async def prepare(self, message: SingleMessage, /) -> PreparedMail:
        """Raises NotSetUp."""
        del message
        raise NotSetUp("api_sends_nothing")

    async def accept(self, orders: Sequence[Order], /) -> list[Answer]:
        """Raises NotSetUp."""
        del orders
        raise NotSetUp("api_sends_nothing")

    async def start(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""

    def health(self) -> dict[str, Any]:
        """Nothing to say."""
        return {}


@dataclass(kw_only=True)
class ApiServices:
    """The services of one process of the API."""

    dsn: str
    keys: KeyRing
    rates: KeyRates
    database: DatabaseThreads
    #: Settings of Airflow, without Airflow.
    airflow: AirflowCopy
    mail: MailSide
    held: HeldOctets = field(default_factory=HeldOctets)
    #: For further limits of a face, such as 20 requests a second of a key and an action.
    buckets: Buckets = field(default_factory=Buckets)
    known: KnownAnswers = field(default_factory=KnownAnswers)
    #: Does what is asked of Airflow; None in tests.
    child: AirflowChild | None = None

    @classmethod
    def of(cls, dsn: str, *, mail: MailSide | None = None) -> Self:
        """The services for a database. Raises InvalidInput for a wrong setting."""
        copy = AirflowCopy(dsn)
        return cls(
            dsn=dsn,
            keys=KeyRing(dsn),
            rates=KeyRates(api_per_second()),
            database=DatabaseThreads(dsn),
            airflow=copy,
            mail=mail or LiveMail(dsn, copy),
            child=AirflowChild(copy),
        )

    async def start(self) -> None:
        """Begin."""
        await asyncio.to_thread(self.airflow.start)
        await self.mail.start()
        if self.child is not None:
            self.child.start()

    async def close(self) -> None:
        """End; what was answered is kept."""
        await self.mail.close()
        await self.keys.close()
        if self.child is not None:
            await self.child.close()
        await asyncio.to_thread(self.database.close)
        await asyncio.to_thread(self.airflow.close)

    async def read(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """The result of a function of storage. Raises DatabaseUnavailable, Refusal 503 when too many wait."""
        return await self.database.read(function, *args, **named)

    async def change(
        self,
        key: ApiKey,
        use_case: Callable[Concatenate[Connection, Actor, Given], Result],
        *args: Given.args,
        **named: Given.kwargs,
    ) -> Result:
        """The result of a use case that a key asks for; what it has to tell Airflow is asked of it after the commit."""

        def run(conn: Connection) -> Result:
            done = use_case(conn, self.actor(key, conn), *args, **named)
            if isinstance(done, Changed):
                scheduler = self.scheduler(key, conn)
                for notice in done.scheduler:
                    notice.tell(scheduler)
            if self.child is not None:
                self.child.later()
            return done

        return await self.database.call(run)

    def actor(self, key: ApiKey, conn: Connection) -> Actor:
        """Who a key is, for the audit log and for changed rows."""
        return Actor(name=f"{key.name} (API key)", audit=AskedAuditLog(conn), may_start=lambda _: key.may(Scope.SEND))

    def scheduler(self, key: ApiKey, conn: Connection) -> AskedScheduler:
        """Airflow's scheduler, as far as it can be asked from here."""
        return AskedScheduler(conn, f"{key.name} (API key)", noticed=self._asked)

    def plan_store(self, key: ApiKey, conn: Connection) -> PlanStore:
        """The quota Variable, as far as it can be written from here."""
        text = self.airflow.quota_text()
        return AskedPlanStore(conn, f"{key.name} (API key)", text=text, noticed=self._asked)

    def _asked(self) -> None:
        if self.child is not None:
            self.child.soon()


def services_of(request: Request) -> ApiServices:
    """The services of the app that a request came to."""
    services: ApiServices = request.app.state.services
    return services
