"""Calls of use cases for a person, with the notices to Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ses_ops.application.changed import Changed
from ses_ops.console.actor import actor_of
from ses_ops.console.database import changing
from ses_ops.console.tell_airflow import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

P = ParamSpec("P")
C = TypeVar("C", bound=Changed)


def change(
    user: BaseUser, use_case: Callable[Concatenate[Connection, Actor, P], C], *values: P.args, **more: P.kwargs
) -> tuple[C, str | None]:
    """The result of the use case, and the sentences for notices that Airflow did not get (`tell`).

    Raises what the use case raises.
    """
    with changing() as conn:
        done = use_case(conn, actor_of(user), *values, **more)
    return done, tell(done)
