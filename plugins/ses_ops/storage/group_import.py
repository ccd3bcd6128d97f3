"""Import a CSV file as the content of a recipient group, in one transaction: all of it, or nothing of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.domain.column_facts import ColumnFacts
from ses_ops.domain.csv_faults import CsvFault
from ses_ops.domain.csv_rows import CsvRows, Rejected, Row
from ses_ops.errors import BadCsv
from ses_ops.storage import recipients
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from psycopg2.extensions import connection as Connection

DUPLICATE = "duplicate address"


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupImport:
    """What an import did. `rejected` counts rows by the kind of reason, duplicates among them."""

    group: str
    created: bool
    recipients: int
    variables: tuple[str, ...]
    rejected: dict[str, int] = field(default_factory=dict)

    @property
    def rejected_count(self) -> int:
        return sum(self.rejected.values())


def import_group(
    conn: Connection,
    name: str,
    blocks: Iterable[bytes],
    *,
    where: str,
    delimiter: str | None = ",",
    address_column: str | None = None,
    encoding: str | None = None,
    description: str | None = None,
    empty_is_missing: bool | None = None,
    strict: bool = False,
    report: Callable[[Rejected], None],
    stored: Callable[[int], None] | None = None,
    before_commit: Callable[[GroupImport], None] | None = None,
) -> GroupImport:
    """Stream a file into a group and replace what it held; `report` gets every row that was left out.

    Without `empty_is_missing` empty cells stay what they are in the group (at first: empty texts).
    `stored` is told of rows on their way, `before_commit` what was done, in its transaction: what it raises undoes it.
    Raises BadCsv for a file that cannot be read, that has no usable row, or (strict) any that is not usable: then the
    group is as it was before.
    """
    recipients.check_group_name(name)
    rows = CsvRows(blocks, where=where, delimiter=delimiter, address_column=address_column, encoding=encoding)
    variables = rows.header.variables
    kinds: Counter[str] = Counter()
    facts = ColumnFacts(variables)

    def leave_out(rejected: Rejected) -> None:
        kinds[rejected.kind] += 1
        report(rejected)

    with transaction(conn):
        group = recipients.begin_replacing(conn, name, description=description, empty_is_missing=empty_is_missing)
        usable = _usable(rows.rows(), leave_out)
        copied = recipients.copy_recipients(conn, group, usable, variables, facts=facts, stored=stored)
        if not copied:
            raise nothing_usable(kinds, where)
        _refuse_rejected(strict, kinds, where)
        repeated = recipients.remove_repeated(conn, group.group_id)
        for line, address, first in recipients.repeated(conn) if repeated else ():
            leave_out(Rejected(line, DUPLICATE, f"the same address stands on line {first}", address))
        _refuse_rejected(strict, kinds, where)
        recipients.set_content(conn, group.group_id, count=copied - repeated, variables=variables, facts=facts)
        done = GroupImport(
            group=name,
            created=group.created,
            recipients=copied - repeated,
            variables=variables,
            rejected=dict(kinds.most_common()),
        )
        if before_commit is not None:
            before_commit(done)
    return done


def _usable(rows: Iterable[Row | Rejected], leave_out: Callable[[Rejected], None]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, Rejected):
            leave_out(row)
        else:
            yield row


def nothing_usable(kinds: Counter[str], where: str) -> BadCsv:
    """The error of a file without a row that can be used; `kinds` are the reasons."""
    if not kinds:
        return BadCsv("has a header and no rows", fault=CsvFault.NO_ROWS, where=where)
    problem = f"none of its {kinds.total():,} rows can be used ({by_kind(kinds)})"
    return BadCsv(problem, fault=CsvFault.NO_USABLE_ROW, where=where, count=kinds.total(), kinds=dict(kinds))


def _refuse_rejected(strict: bool, kinds: Counter[str], where: str) -> None:
    if strict and kinds:
        problem = f"--strict: {kinds.total():,} rows were rejected ({by_kind(kinds)})"
        raise BadCsv(problem, fault=CsvFault.NOT_ALL_USABLE, where=where, count=kinds.total(), kinds=dict(kinds))


def by_kind(kinds: dict[str, int]) -> str:
    """`bad address 3, duplicate address 1`."""
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
