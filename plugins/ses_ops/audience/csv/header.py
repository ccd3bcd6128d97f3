"""The header of a CSV file: names of the columns, and the address column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.audience.column_names import column_names, listed, offered_name
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.domain.address import parse_address
from ses_ops.domain.template_variables import variable_name
from ses_ops.errors import BadCsv, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Largest number of columns, far more than any template uses: a row of tens of thousands costs as much as 1 000 rows.
MOST_COLUMNS = 1_000
#: Names of columns that mark the address.
ADDRESS_COLUMNS = ("address", "email", "e-mail", "mail", "email_address")
#: Offered names (`offered_name`) of columns that mark the address in other spellings, such as "E-Mail Address".
_MORE_ADDRESS_COLUMNS = frozenset({*ADDRESS_COLUMNS, "e_mail", "e_mail_address", "mail_address"})
#: Columns that ses-ops adds to files for download: why a row was rejected, and why an address gets no mail. An import
#: leaves these columns out, and takes the marks of `safe_cell` away in the others.
REASON_COLUMN, SUPPRESSED_COLUMN = "ses_reason", "ses_suppressed"
OUR_COLUMNS = frozenset({REASON_COLUMN, SUPPRESSED_COLUMN})
_OTHER_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
#: Characters that an input method for Chinese or Japanese writes in the place of a delimiter.
_WIDE_DELIMITERS = {"，": ",", "；": ";", "｜": "|", "、": ",", "﹐": ",", "﹔": ";"}
#: The line above the header in which Excel names the delimiter.
_SEP = re.compile(r"""\ufeff*"?sep=(.?)"?""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The columns of a file, as its first row names them."""

    #: The names of the columns in a template (see column_names.py).
    columns: tuple[str, ...]
    #: The names of the columns in the file.
    written: tuple[str, ...]
    #: Index of the address column.
    address: int
    #: Indices of the columns that ses-ops added (OUR_COLUMNS).
    ours: frozenset[int] = frozenset()

    @property
    def variables(self) -> tuple[str, ...]:
        out = {self.address, *self.ours}
        return tuple(name for index, name in enumerate(self.columns) if index not in out)

    @property
    def own(self) -> tuple[str, ...]:
        """The names in the file of its own columns, without those that ses-ops added."""
        return tuple(self.without_ours(list(self.written)))

    def without_ours(self, fields: list[str]) -> list[str]:
        """The fields of a row without those of the columns that ses-ops added."""
        return [field for index, field in enumerate(fields) if index not in self.ours] if self.ours else fields

    def cells(self, address: str, values: Sequence[str]) -> tuple[str, ...]:
        """A row in the order of the file, one cell for each of `own`, made of an address and the other values."""
        place = self.address - sum(index < self.address for index in self.ours)
        return (*values[:place], address, *values[place:])

    @property
    def renamed(self) -> dict[str, str]:
        """The name of the variable by the name of its column, where the two differ."""
        pairs = enumerate(zip(self.written, self.columns, strict=True))
        return {
            written: name
            for index, (written, name) in pairs
            if index != self.address and variable_name(written) != name
        }


def named_delimiter(line: str) -> str | None:
    """The delimiter that a line such as `sep=;` names; "" when the line names none; None for any other line."""
    found = _SEP.fullmatch(line.strip("\r\n"))
    return None if found is None else found[1]


def read_header(
    fields: Sequence[str],
    *,
    where: str,
    delimiter: str = ",",
    address_column: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Header:
    """Check the first row. `names` are the names of variables that a person chose, by column. Raises BadCsv."""
    if len(fields) > MOST_COLUMNS:
        raise BadCsv(CsvFault.TOO_MANY_COLUMNS, where=where, columns=len(fields), most=MOST_COLUMNS)
    _refuse_other_delimiter(fields, where, delimiter)
    _refuse_data(fields, where)
    chosen = names or {}
    written = tuple(text.strip() for text in fields)
    if OUR_COLUMNS.intersection(written):  # a file from ses-ops, to which a spreadsheet may have added empty columns
        while not written[-1]:
            written = written[:-1]
    plain = tuple(chosen.get(text) or variable_name(text) for text in written)
    for index, name in enumerate(plain, 1):
        if not name:
            raise BadCsv(CsvFault.UNNAMED_COLUMN, where=where, column=index)
    _refuse_repeated(written, plain, where)
    columns = column_names(written, chosen, where=where)
    address = _find_address(plain, written, where, address_column)
    columns[address] = plain[address]
    ours = frozenset(index for index, name in enumerate(plain) if name in OUR_COLUMNS and index != address)
    return Header(columns=tuple(columns), written=written, address=address, ours=ours)


def _refuse_other_delimiter(fields: Sequence[str], where: str, delimiter: str) -> None:
    for wide, meant in _WIDE_DELIMITERS.items():
        if wide != delimiter and any(wide in name for name in fields):
            raise BadCsv(
                CsvFault.WIDE_DELIMITER,
                where=where,
                wide=wide,
                meant=meant,
            )
    if len(fields) != 1:
        return
    for character, shown in _OTHER_DELIMITERS.items():
        if character != delimiter and character in fields[0].strip():
            raise BadCsv(
                CsvFault.OTHER_DELIMITER,
                where=where,
                shown=shown,
                found=character,
            )


def _refuse_data(fields: Sequence[str], where: str) -> None:
    for name in fields:
        try:
            parse_address(name, dotless=True)
        except InvalidInput:
            continue
        raise BadCsv(
            CsvFault.NO_HEADER,
            where=where,
            address=name.strip(),
        )


def _refuse_repeated(fields: Sequence[str], columns: tuple[str, ...], where: str) -> None:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(columns):
        places.setdefault(name, []).append(place)
    written = {name: [fields[place] for place in found] for name, found in places.items() if len(found) > 1}
    same = sorted(name for name, found in written.items() if len(set(found)) == 1)
    if same:
        raise BadCsv(CsvFault.REPEATED_COLUMN, where=where, names=listed(same))
    for name, found in written.items():
        names = listed([f"{text!r} (column {place + 1})" for text, place in zip(found, places[name], strict=True)])
        raise BadCsv(CsvFault.SAME_VARIABLE, where=where, names=names)


def _find_address(columns: tuple[str, ...], written: tuple[str, ...], where: str, wanted: str | None) -> int:
    if wanted is not None:
        for known, name in ((columns, variable_name(wanted)), (written, wanted.strip())):
            if name in known:
                return known.index(name)
        raise BadCsv(CsvFault.NO_SUCH_COLUMN, where=where, name=wanted, columns=listed(columns))
    found = [index for index, name in enumerate(columns) if name.lower() in ADDRESS_COLUMNS]
    if not found:
        found = [index for index, name in enumerate(columns) if offered_name(name) in _MORE_ADDRESS_COLUMNS]
    if len(found) == 1:
        return found[0]
    names = listed([columns[index] for index in found])
    if found:
        raise BadCsv(CsvFault.SEVERAL_ADDRESS_COLUMNS, where=where, names=names, columns=listed(columns))
    raise BadCsv(CsvFault.NO_ADDRESS_COLUMN, where=where, known=ADDRESS_COLUMNS, columns=listed(columns))
