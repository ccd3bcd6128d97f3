"""Writer of one domain's entry of the quota Variable.

The Variable stays the only source of the plans, and no other edit is overwritten.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ses_ops.domain.quota_text import entry_mark, with_entry
from ses_ops.domain.warmup import VARIABLE, parse_plan
from ses_ops.errors import Conflict
from ses_ops.orchestration import control
from ses_ops.orchestration.control import metadata_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: Number of attempts, because the Variable may be edited between the read and the lock.
_TRIES = 3


def variable_exists() -> bool:
    """Whether Airflow's database has the Variable: to create it is another right than to change it."""
    with metadata_session() as session:
        return _row(session) is not None


def write_quota_entry(domain: str, entry: Mapping[str, Any], *, seen: str) -> None:
    """Give a domain another entry, if its present entry still has the mark `seen` (`quota_text.entry_mark`).

    Other writers of the Variable wait meanwhile, and their earlier edits are kept. Raises QuotaError for an invalid
    entry, InvalidInput for a Variable that is no JSON object, Conflict for an entry that was edited meanwhile or a
    Variable that comes from elsewhere.
    """
    parse_plan(domain, entry)
    for _ in range(_TRIES):
        # The read is not within the session, which Airflow shares with all other code of the same thread.
        read = control.read_quota_variable()
        if _write(domain, entry, seen, read):
            _forget()
            return
    raise Conflict("quota_set_by_secrets_backend", name=VARIABLE)


def _write(domain: str, entry: Mapping[str, Any], seen: str, read: str | None) -> bool:
    """False when the Variable in the database is not the one that was read."""
    meanwhile = Conflict("quota_entry_changed_meanwhile", domain=domain)
    with metadata_session() as session:
        from airflow.models.variable import Variable
        from sqlalchemy.exc import IntegrityError

        row = _row(session, lock=True)
        text = None if row is None else row.get_val()
        if (text or None) != (read or None):
            return False
        if entry_mark(text, domain) != seen:
            raise meanwhile
        value = with_entry(text, domain, entry)
        if row is None:
            session.add(Variable(key=VARIABLE, val=value))
        else:
            row.set_val(value)
        try:
            session.flush()
        except IntegrityError as cause:
            raise meanwhile from cause
    return True


def _row(session: Session, *, lock: bool = False) -> Any:
    from airflow.models.variable import Variable
    from sqlalchemy import select

    statement = select(Variable).where(Variable.key == VARIABLE)
    return session.scalar(statement.with_for_update() if lock else statement)


def _forget() -> None:
    """Remove the Variable from Airflow's own cache. The entry is written by then, so an error here is only logged."""
    try:
        from airflow.sdk import SecretCache

        SecretCache.invalidate_variable(VARIABLE)
    except Exception as problem:
        log.warning("Airflow's cache of the Variable %s is old until it expires: %s", VARIABLE, problem)
