"""The result of an import, into a group or the suppression list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.errors import BadCsv

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from ses_ops.domain.mistyped_addresses import DoubtfulAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOutcome:
    """The counts of a stored import, and the format of its file."""

    #: Number of valid rows, with those of repeated addresses.
    read: int
    #: Number of recipients added to the group, or of addresses added to or prolonged on the suppression list.
    added: int
    #: Encoding of the file; `xlsx` for a workbook.
    encoding: str
    #: Names of variables by the names of their columns, where the two differ.
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: Numbers of rejected rows by kind of reason, the largest first; for a group with its repeated addresses.
    rejected: Mapping[str, int] = field(default_factory=dict)
    #: Number of accepted addresses that may be mistyped, and the first of them.
    doubtful_count: int = 0
    doubtful: tuple[DoubtfulAddress, ...] = ()
    #: The recipient group; None for the suppression list, which has none of the following.
    group: str | None = None
    created: bool = False
    #: Whether the rows were added to those of the group instead of replacing them.
    appended: bool = False
    #: Number of recipients of the group after the import.
    recipients: int = 0
    variables: tuple[str, ...] = ()

    @property
    def rejected_count(self) -> int:
        """Number of rejected rows."""
        return sum(self.rejected.values())


def nothing_usable(kinds: Counter[str], where: str) -> BadCsv:
    """The error for a file without a valid row; `kinds` counts the reasons."""
    if not kinds:
        return BadCsv(CsvFault.NO_ROWS, where=where)
    return BadCsv(CsvFault.NO_USABLE_ROW, where=where, count=kinds.total(), kinds=dict(kinds))


def by_kind(kinds: Mapping[str, int]) -> str:
    """The counts as a text: `bad address 3, duplicate address 1`."""
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
