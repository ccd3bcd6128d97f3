"""Writing one domain's entry of the quota Variable: the Variable stays the truth, and nobody's edit is overwritten."""

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

#: The Variable may be edited between a look at it and the lock on it.
_TRIES = 3


def variable_exists() -> bool:
    """Whether Airflow's database has it: to make one is another right than to change one."""
    with metadata_session() as session:
        return _row(session) is not None


def write_quota_entry(domain: str, entry: Mapping[str, Any], *, seen: str) -> None:
    """Give a domain another entry, if its entry is still the one of the mark `seen` (`quota_text.entry_mark`).

    What others write into the Variable meanwhile waits, and what they wrote before is kept. Raises QuotaError for an
    entry that is wrong, InvalidInput for a Variable that is no JSON object, Conflict for one that was edited meanwhile
    or that comes from elsewhere.
    """
    parse_plan(domain, entry)
    for _ in range(_TRIES):
        # Not inside of the session, which Airflow shares with whatever the same thread opens.
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
    """What Airflow's own cache of Variables holds is old now. The entry is written by then, whatever comes of this."""
    try:
        from airflow.sdk import SecretCache

        SecretCache.invalidate_variable(VARIABLE)
    except Exception as problem:
        log.warning("Airflow's cache of the Variable %s is old until it expires: %s", VARIABLE, problem)
