"""The import of a file into a recipient group, in one transaction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ses_ops.audience.column_facts import ColumnFacts
from ses_ops.audience.column_names import listed
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.reader import Rejected, Row
from ses_ops.audience.import_outcome import ImportOutcome, nothing_usable
from ses_ops.audience.recipient_file import recipient_rows
from ses_ops.domain.mistyped_addresses import DoubtfulAddresses
from ses_ops.errors import BadCsv, Explanation
from ses_ops.storage.audience import group_content, recipients
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.audience.csv.header import Header
    from ses_ops.audience.recipient_file import RecipientRows
    from ses_ops.storage.audience.group_content import Replacing

DUPLICATE = "duplicate address"


def import_group(
    conn: Connection,
    name: str,
    blocks: Iterable[bytes],
    *,
    where: str,
    delimiter: str | None = ",",
    address_column: str | None = None,
    encoding: str | None = None,
    names: Mapping[str, str] | None = None,
    sheet: str | None = None,
    append: bool = False,
    description: str | None = None,
    empty_is_missing: bool | None = None,
    strict: bool = False,
    report: Callable[[Rejected], None],
    columns: Callable[[Sequence[str]], None] | None = None,
    stored: Callable[[int], None] | None = None,
    check: Callable[[], None] = lambda: None,
    before_commit: Callable[[ImportOutcome], None] | None = None,
) -> ImportOutcome:
    """Stream a file into a group and replace what it held, or with `append` add to it.

    Without `empty_is_missing` the meaning of empty cells in the group is not changed (at first: empty texts). `columns`
    is called with the columns of the file, `report` with every rejected row, `stored` with the number of rows stored
    meanwhile, and `before_commit` with the result, in the transaction, which an error of it undoes. `check` may raise
    at any time. Raises BadCsv for a file that cannot be read or has no usable row, with `strict` for a file with a
    rejected row: then the group is not changed.
    """
    recipients.check_group_name(name)
    file: dict[str, Any] = {
        "delimiter": delimiter,
        "address_column": address_column,
        "encoding": encoding,
        "sheet": sheet,
    }
    with recipient_rows(blocks, where=where, names=names, check=check, **file) as rows:
        if columns is not None:
            columns(rows.header.own)
        with transaction(conn):
            run = _Import(conn, rows, name, where=where, strict=strict, report=report)
            run.begin(append, description=description, empty_is_missing=empty_is_missing)
            run.copy(stored)
            run.leave_out_repeated(check)
            done = run.done()
            if before_commit is not None:
                before_commit(done)
        return done


class _Import:
    """One import within its transaction."""

    def __init__(
        self,
        conn: Connection,
        rows: RecipientRows,
        name: str,
        *,
        where: str,
        strict: bool,
        report: Callable[[Rejected], None],
    ) -> None:
        self._conn, self._rows, self._name, self._where = conn, rows, name, where
        self._strict, self._report = strict, report
        self._kinds: Counter[str] = Counter()
        self._facts = ColumnFacts(rows.header.variables)
        self._doubtful = DoubtfulAddresses()
        self._read = self._added = 0
        self._group: Replacing

    def begin(self, append: bool, *, description: str | None, empty_is_missing: bool | None) -> None:
        """Lock the group. Raises BadCsv when rows are to be added that do not fit it."""
        header = self._rows.header
        given: dict[str, Any] = {"description": description, "empty_is_missing": empty_is_missing}
        if not append:
            self._group = group_content.begin_replacing(self._conn, self._name, **given)
            return
        self._group = group_content.begin_appending(self._conn, self._name, **given)
        if self._group.count:
            refuse_other_columns(header, self._group.variables, self._where)

    def copy(self, stored: Callable[[int], None] | None) -> None:
        """Stream the rows into the group."""
        variables = self._rows.header.variables
        usable = self._usable()
        copied = group_content.copy_recipients(
            self._conn, self._group, usable, variables, facts=self._facts, stored=stored
        )
        if not copied:
            raise nothing_usable(self._kinds, self._where)
        self._read = self._added = copied
        _refuse_rejected(self._strict, self._kinds, self._where)

    def leave_out_repeated(self, check: Callable[[], None]) -> None:
        """Delete repeated addresses: the first row of an address stays, and earlier rows of the group."""
        before, header = self._group.last_line, self._rows.header
        count = group_content.remove_repeated(self._conn, self._group.group_id)
        for line, address, values, first in group_content.repeated(self._conn) if count else ():
            check()
            again = Explanation("duplicate_address", line=first - before)
            reason = str(again if first > before else Explanation("address_in_group"))
            cells = header.cells(address, [values.get(name) or "" for name in header.variables])
            self._leave_out(Rejected(line - before, DUPLICATE, reason, address, cells))
        self._added -= count
        _refuse_rejected(self._strict, self._kinds, self._where)

    def done(self) -> ImportOutcome:
        """Write what the group holds now."""
        header, group = self._rows.header, self._group
        adds = group.count > 0
        variables = group.variables if adds else header.variables
        group_content.set_content(
            self._conn,
            group.group_id,
            count=group.count + self._added,
            variables=variables,
            facts=self._facts,
            appended=adds,
        )
        return ImportOutcome(
            group=self._name,
            created=group.created,
            appended=group.appending,
            recipients=group.count + self._added,
            read=self._read,
            added=self._added,
            variables=tuple(variables),
            renamed=header.renamed,
            encoding=self._rows.encoding,
            rejected=dict(self._kinds.most_common()),
            doubtful_count=self._doubtful.count,
            doubtful=tuple(self._doubtful.first),
        )

    def _usable(self) -> Iterator[Row]:
        look = self._doubtful.look
        for row in self._rows.rows():
            if isinstance(row, Rejected):
                self._leave_out(row)
            else:
                look(row.line, row.address, row.key)
                yield row

    def _leave_out(self, rejected: Rejected) -> None:
        self._kinds[rejected.kind] += 1
        self._report(rejected)


def refuse_other_columns(header: Header, variables: Sequence[str], where: str) -> None:
    """Raise BadCsv when a file has other columns than the group that it is to be added to."""
    missing = [name for name in variables if name not in header.variables]
    unknown = [name for name in header.variables if name not in variables]
    if missing or unknown:
        found = [Explanation("columns_missing", names=listed(missing))] if missing else []
        found += [Explanation("columns_besides", names=listed(unknown))] if unknown else []
        differs = found[0] if len(found) == 1 else Explanation("both", one=found[0], other=found[1])
        lists = {"missing": listed(missing), "unknown": listed(unknown)}
        raise BadCsv(CsvFault.OTHER_COLUMNS, where=where, differs=differs, **lists)


def _refuse_rejected(strict: bool, kinds: Counter[str], where: str) -> None:
    if strict and kinds:
        raise BadCsv(CsvFault.NOT_ALL_USABLE, where=where, count=kinds.total(), kinds=dict(kinds))
