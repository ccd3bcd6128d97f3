"""The import of a CSV file into the suppression list, in one transaction.

The columns are address and, if the file has them, reason, note, expires and scope, the sender domain whose bulk mail an
entry is about (empty: all mail).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ses_ops.audience.csv.cells import without_mark
from ses_ops.audience.csv.reader import Rejected, Row
from ses_ops.audience.import_outcome import ImportOutcome, nothing_usable
from ses_ops.audience.recipient_file import recipient_rows
from ses_ops.domain.address import parse_address
from ses_ops.domain.suppression import SuppressionReason, read_expiry
from ses_ops.errors import Explanation, InvalidInput
from ses_ops.storage.connection import transaction
from ses_ops.storage.suppression import bulk
from ses_ops.storage.suppression.bulk import NewSuppression

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.audience.recipient_file import RecipientRows

COLUMNS = ("reason", "note", "expires", "scope")
#: Columns of an export that an import ignores, because it has its own moment and person.
EXPORTED_ONLY = ("added_at", "added_by", "source", "message")
#: Reasons for which an entry may hold for the bulk mail of one sender domain; the others hold for all mail.
_SCOPED = (SuppressionReason.UNSUBSCRIBE, SuppressionReason.MANUAL)


def import_suppressions(
    conn: Connection,
    blocks: Iterable[bytes],
    *,
    where: str,
    reason: str,
    now: datetime,
    added_by: str,
    report: Callable[[Rejected], None],
    delimiter: str | None = ",",
    address_column: str | None = None,
    encoding: str | None = None,
    file_columns: Callable[[Sequence[str]], None] | None = None,
    before_commit: Callable[[ImportOutcome], None] | None = None,
) -> ImportOutcome:
    """Add the addresses of a file, all or none; `reason` is for rows without one, `report` gets rows left out.

    `file_columns` is called with the names of the file's columns before.

    Raises BadCsv for a file that cannot be read or has no usable row, InvalidInput for a column that is not known (it
    is the error's field): then nothing was added.
    """
    kinds: Counter[str] = Counter()

    def leave_out(rejected: Rejected) -> None:
        kinds[rejected.kind] += 1
        report(rejected)

    given: dict[str, Any] = {"delimiter": delimiter, "address_column": address_column, "encoding": encoding}
    with recipient_rows(blocks, where=where, **given) as rows, transaction(conn):
        if file_columns is not None:
            file_columns(rows.header.own)
        scopes = bulk.sender_domains(conn) if "scope" in rows.header.variables else set()
        entries = _entries(rows, reason, scopes, where=where, now=now, report=leave_out)
        read, changed = bulk.add_all(conn, entries, added_by=added_by)
        if not read:
            raise nothing_usable(kinds, where)
        done = ImportOutcome(
            read=read,
            added=changed,
            encoding=rows.encoding,
            renamed=rows.header.renamed,
            rejected=dict(kinds.most_common()),
        )
        if before_commit is not None:
            before_commit(done)
    return done


def _entries(
    rows: RecipientRows,
    default_reason: str,
    scopes: Collection[str],
    *,
    where: str,
    now: datetime,
    report: Callable[[Rejected], None],
) -> Iterator[NewSuppression]:
    columns = rows.header.variables
    for name in columns:
        if name not in (*COLUMNS, *EXPORTED_ONLY):
            raise InvalidInput("unknown_column", columns=COLUMNS, where=where, field=name)
    for row in rows.rows():
        if isinstance(row, Rejected):
            report(row)
            continue
        fields = dict(zip(columns, row.values, strict=True))
        try:
            yield _entry(row, fields, default_reason, scopes, now)
        except _CannotBe as problem:
            report(
                Rejected(row.line, problem.kind, str(problem), row.address, rows.header.cells(row.address, row.values))
            )


class _CannotBe(Exception):
    """A rejected row for an invalid value in another column."""

    def __init__(self, kind: str, reason: Explanation) -> None:
        self.kind = kind
        super().__init__(reason)


def _entry(
    row: Row, fields: dict[str, str], default_reason: str, scopes: Collection[str], now: datetime
) -> NewSuppression:
    reason = fields.get("reason", "").strip() or default_reason
    address, key = row.address, row.key
    try:
        chosen = SuppressionReason(reason)
    except ValueError:
        raise _CannotBe(
            "bad reason", Explanation("option_not_known", value=reason, known=list(SuppressionReason))
        ) from None
    try:
        expires_at = read_expiry(fields.get("expires", "").strip(), reason, now=now, where="expires")
    except InvalidInput as problem:
        raise _CannotBe("bad expiry", problem.explanation) from problem
    if address != without_mark(address):  # an export of ses-ops has marks for spreadsheets
        address, key = parse_address(without_mark(address))
    scope = _scope(fields, scopes) if chosen in _SCOPED else ""
    return NewSuppression(row.line, address, key, scope, chosen, without_mark(fields.get("note", "")), expires_at)


def _scope(fields: dict[str, str], scopes: Collection[str]) -> str:
    """The sender domain of an entry. A name that no mail is sent by would protect nobody, so it is refused."""
    scope = fields.get("scope", "").strip().lower()
    if scope and scope not in scopes:
        raise _CannotBe("bad scope", Explanation("scope_not_known", value=scope))
    return scope
