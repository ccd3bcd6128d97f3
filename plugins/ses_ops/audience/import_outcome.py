"""What an import did: one value for recipient groups and for the suppression list."""

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
    """The counts of an import that was stored, and how its file was read."""

    #: Rows that could be used, one with a repeated address among them.
    read: int
    #: Recipients that the file brought to the group, or addresses that are new on the suppression list or stay on it
    #: longer.
    added: int
    #: How the file is written; `xlsx` for a workbook.
    encoding: str
    #: The variables' names by those of the columns that have another one.
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: Rows that were left out by the kind of reason, most first; for a group, repeated addresses among them.
    rejected: Mapping[str, int] = field(default_factory=dict)
    #: Number of addresses that were taken and may be mistyped, and the first of them.
    doubtful_count: int = 0
    doubtful: tuple[DoubtfulAddress, ...] = ()
    #: The recipient group; None for the suppression list, which has none of the following.
    group: str | None = None
    created: bool = False
    #: Whether the rows were added to those of the group instead of taking their place.
    appended: bool = False
    #: Recipients of the group after the import.
    recipients: int = 0
    variables: tuple[str, ...] = ()

    @property
    def rejected_count(self) -> int:
        """Rows that were left out."""
        return sum(self.rejected.values())


def nothing_usable(kinds: Counter[str], where: str) -> BadCsv:
    """The error of a file without a row that can be used; `kinds` are the reasons."""
    if not kinds:
        return BadCsv(CsvFault.NO_ROWS, where=where)
    return BadCsv(CsvFault.NO_USABLE_ROW, where=where, count=kinds.total(), kinds=dict(kinds))


def by_kind(kinds: Mapping[str, int]) -> str:
    """`bad address 3, duplicate address 1`."""
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
