"""Changes of a domain's quota entry, by Airflow's audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.log import Log
from airflow.utils.session import create_session
from sqlalchemy import or_, select

from ses_ops.application.quota_plan import ACTION
from ses_ops.domain.warmup import FIELDS, VARIABLE
from ses_ops.orchestration.audit import PREFIX

#: Most changes shown, and most rows of the audit log read for them.
SHOWN, LOOKED_AT = 10, 500
#: Names of Airflow's own actions on Variables: of its pages and REST API, and of its command line.
_OF_AIRFLOW = ("post_variable", "patch_variable", "delete_variable", "bulk_variables", "import_variables")
_OF_COMMANDS = ("cli_variables_set", "cli_variables_delete", "cli_variables_import")


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """The change of a field of the entry, as JSON texts; None for a missing field."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class QuotaChange:
    """A change of the entry."""

    when: datetime
    who: str
    #: Changed fields; empty for an edit of the Variable in Airflow, whose values the audit log does not keep.
    fields: tuple[FieldChange, ...]
    in_airflow: bool


def recent_changes(domain: str) -> list[QuotaChange]:
    """The changes of a domain's entry, the newest first."""
    ours = Log.event == PREFIX + ACTION
    theirs = Log.event.in_((*_OF_AIRFLOW, *_OF_COMMANDS)) & Log.extra.contains(VARIABLE, autoescape=True)
    with create_session() as session:
        rows = session.execute(
            select(Log.event, Log.dttm, Log.owner, Log.extra)
            .where(or_(ours, theirs))
            .order_by(Log.id.desc())
            .limit(LOOKED_AT)
        ).all()
    found = (_change(row.event, row.dttm, row.owner, row.extra, domain) for row in rows)
    return [one for one in found if one is not None][:SHOWN]


def field_changes(before: object, after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The fields that differ between two entries."""
    old = before if isinstance(before, Mapping) else {}
    names = [name for name in (*FIELDS, *map(str, old)) if name in old or name in after]
    return tuple(
        FieldChange(field=name, before=_json(old, name), after=_json(after, name))
        for name in dict.fromkeys(names)
        if _json(old, name) != _json(after, name)
    )


def _change(event: str, when: datetime, who: str | None, extra: str | None, domain: str) -> QuotaChange | None:
    if event != PREFIX + ACTION:
        return QuotaChange(when=when, who=who or "?", fields=(), in_airflow=True)
    try:
        facts = json.loads(extra or "{}")
    except ValueError:
        return None
    if facts.get("domain") != domain or "refused" in facts or "failed" in facts:
        return None
    fields = field_changes(facts.get("before"), facts.get("after") or {})
    return QuotaChange(when=when, who=who or "?", fields=fields, in_airflow=False)


def _json(entry: Mapping[str, Any], name: str) -> str | None:
    return json.dumps(entry[name], ensure_ascii=False) if name in entry else None
