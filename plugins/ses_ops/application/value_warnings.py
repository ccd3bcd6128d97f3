"""Warnings about a template whose author may expect other values.

A warning is about what the cells of a group hold. It refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.rendering import worker
from ses_ops.rendering.template import load_template
from ses_ops.rendering.template_place import Place
from ses_ops.rendering.value_uses import ValueUses, value_uses
from ses_ops.sending.template_place import template_place
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_content import MailContent


class WarningKind(StrEnum):
    """A kind of warning."""

    #: `default()` of a column with empty cells, which are not missing values in this group.
    EMPTY_CELLS = "empty_cells"
    #: `{% if column %}` of a column with texts such as "false", "no" or "0", which are true.
    TRUE_TEXTS = "true_texts"


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueWarning:
    """A warning about some columns of a group. Its text is for the command line."""

    kind: WarningKind
    group: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        columns, first = ", ".join(self.columns), self.columns[0]
        if self.kind is WarningKind.EMPTY_CELLS:
            return (
                f"default() does nothing for an empty cell, and group {self.group!r} has some in {columns}; import it "
                f"with --empty-is-missing, or write {{{{ {first} | default('…', true) }}}}"
            )
        return (
            f"every text but an empty one is true, and group {self.group!r} has texts such as false, no or 0 in "
            f"{columns}; write {{% if {first} == 'true' %}}, or leave such cells empty"
        )


def value_warnings(conn: Connection, content: MailContent, *, group: str, templates_root: Path) -> list[ValueWarning]:
    """The warnings for a person before a mailing. Raises NotFound, TemplateError."""
    place = template_place(conn, templates_root, content.template)
    uses = worker.call(content.template, _uses, place, content)
    facts = recipients.column_facts(conn, group)
    empty = () if facts.empty_is_missing else tuple(sorted(uses.defaulted & set(facts.with_empty_cells)))
    negative = tuple(sorted(uses.tested & set(facts.saying_no)))
    found = ((WarningKind.EMPTY_CELLS, empty), (WarningKind.TRUE_TEXTS, negative))
    return [ValueWarning(kind=kind, group=group, columns=columns) for kind, columns in found if columns]


def _uses(place: Place, content: MailContent) -> ValueUses:
    template = load_template(place, content.template)
    return value_uses(template, subject=content.subject, unsubscribe_url=content.unsubscribe_url)
