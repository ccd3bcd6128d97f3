"""The first row of a CSV file: the columns' names, and which of them holds the address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ses_ops.domain.address import parse_address
from ses_ops.domain.csv_faults import CsvFault
from ses_ops.domain.template_variables import check_variable_name, variable_name
from ses_ops.errors import BadCsv, InvalidInput

#: Columns whose name says that they hold the address.
ADDRESS_COLUMNS = ("address", "email", "e-mail", "mail", "email_address")
_OTHER_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
#: What an input method for Chinese or Japanese writes in the place of a delimiter.
_WIDE_DELIMITERS = {"，": ",", "；": ";", "｜": "|", "、": ",", "﹐": ",", "﹔": ";"}
#: Excel's way to name the delimiter, in a line of its own above the header.
_SEP = re.compile(r"""\ufeff*"?sep=(.?)"?""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The first row, understood. Names are as a template knows them (`variable_name`)."""

    columns: tuple[str, ...]
    #: Index of the address column.
    address: int

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(name for index, name in enumerate(self.columns) if index != self.address)


def named_delimiter(line: str) -> str | None:
    """What a line such as `sep=;` names as the delimiter; an empty text when it names none; None for another line."""
    found = _SEP.fullmatch(line.strip("\r\n"))
    return None if found is None else found[1]


def read_header(fields: list[str], *, where: str, delimiter: str = ",", address_column: str | None = None) -> Header:
    """Check the first row. Raises InvalidInput that says what a header must be."""
    _refuse_other_delimiter(fields, where, delimiter)
    _refuse_data(fields, where)
    columns = tuple(map(variable_name, fields))
    for index, name in enumerate(columns, 1):
        if not name:
            problem = f"the header's column {index} has no name"
            raise BadCsv(problem, fault=CsvFault.UNNAMED_COLUMN, where=where, column=index)
    _refuse_repeated(fields, columns, where)
    address = _find_address(columns, where, address_column)
    for index, name in enumerate(columns):
        if index != address:
            try:
                check_variable_name(name)
            except InvalidInput as cause:
                problem = f"the header's column {cause}"
                raise BadCsv(problem, fault=CsvFault.BAD_VARIABLE, where=where, name=name) from cause
    return Header(columns=columns, address=address)


def _refuse_other_delimiter(fields: list[str], where: str, delimiter: str) -> None:
    for wide, meant in _WIDE_DELIMITERS.items():
        if wide != delimiter and any(wide in name for name in fields):
            raise BadCsv(
                f"the header has a full-width {wide!r} in it; write {meant!r} between the columns",
                fault=CsvFault.WIDE_DELIMITER,
                where=where,
                wide=wide,
                meant=meant,
            )
    if len(fields) != 1:
        return
    for character, shown in _OTHER_DELIMITERS.items():
        if character != delimiter and character in fields[0].strip():
            raise BadCsv(
                f"the header is one column with {shown} in it: the delimiter is wrong; add --delimiter {shown}",
                fault=CsvFault.OTHER_DELIMITER,
                where=where,
                found=character,
            )


def _refuse_data(fields: list[str], where: str) -> None:
    for name in fields:
        try:
            parse_address(name)
        except InvalidInput:
            continue
        raise BadCsv(
            f"there is no header: the first row holds the address {name.strip()!r}; put a row with the names of the "
            "columns above it, such as address,name",
            fault=CsvFault.NO_HEADER,
            where=where,
            address=name.strip(),
        )


def _refuse_repeated(fields: list[str], columns: tuple[str, ...], where: str) -> None:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(columns):
        places.setdefault(name, []).append(place)
    written = {name: [fields[place].strip() for place in found] for name, found in places.items() if len(found) > 1}
    same = [name for name, found in written.items() if len(set(found)) == 1]
    if same:
        problem = f"the header names {', '.join(sorted(same))} more than once"
        raise BadCsv(problem, fault=CsvFault.REPEATED_COLUMN, where=where, names=sorted(same))
    for name, found in written.items():
        names = [f"{text!r} (column {place + 1})" for text, place in zip(found, places[name], strict=True)]
        problem = f"the header has columns that are one variable to a template: {', '.join(names)}; rename one of them"
        raise BadCsv(problem, fault=CsvFault.SAME_VARIABLE, where=where, names=names)


def _find_address(columns: tuple[str, ...], where: str, wanted: str | None) -> int:
    if wanted is not None:
        if variable_name(wanted) in columns:
            return columns.index(variable_name(wanted))
        problem = f"has no column {wanted!r}; it has {', '.join(columns)}"
        raise BadCsv(problem, fault=CsvFault.NO_SUCH_COLUMN, where=where, name=wanted, columns=columns)
    found = [index for index, name in enumerate(columns) if name.lower() in ADDRESS_COLUMNS]
    if len(found) == 1:
        return found[0]
    names = [columns[index] for index in found]
    several = f"{', '.join(names)} could each hold the address"
    problem = several if names else f"no column is named {', '.join(ADDRESS_COLUMNS)}"
    raise BadCsv(
        f"{problem}; name the address column with --address-column (there are: {', '.join(columns)})",
        fault=CsvFault.SEVERAL_ADDRESS_COLUMNS if names else CsvFault.NO_ADDRESS_COLUMN,
        where=where,
        names=names,
        columns=columns,
    )
