"""Names of variables for the columns of a file: what a person chose, what fits already, and what is offered instead.

`First Name` cannot stand in a template as {{ First Name }}, so it becomes first_name. Nothing else of the file changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.domain.template_variables import RESERVED_VARIABLES, check_variable_name, variable_name
from ses_ops.errors import BadCsv, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

#: Characters of a variable's name; what is longer is a text that stands where a name should.
LONGEST_NAME = 100
#: Characters of a name that is offered for a longer one.
_LONGEST_OFFER = 60
#: Names that a message about a header lists.
_LISTED = 20
_NOT_IN_A_NAME = re.compile(r"\W+")


def read_mapping(lines: Iterable[str]) -> dict[str, str]:
    """Names by the column that they stand for, from `First Name=first_name`; raises InvalidInput."""
    chosen: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            continue
        # A column may have a = in its name; a variable has none.
        column, sign, name = line.rpartition("=")
        column, name = column.strip(), variable_name(name)
        if not sign or not column or not name:
            raise InvalidInput("not_a_column_mapping", line=line.strip())
        if column in chosen:
            raise InvalidInput("column_named_twice", column=column)
        chosen[column] = name
    return chosen


def column_names(fields: Sequence[str], chosen: Mapping[str, str], *, where: str) -> list[str]:
    """A name for each column, in order; raises BadCsv when a chosen one cannot be. Work: one look at each column."""
    written = [text.strip() for text in fields]
    _check_chosen(chosen, written, where)
    names = [chosen.get(text) or variable_name(text) for text in written]
    _refuse_reserved(names, where)
    taken = {name for name in names if fits(name)}
    for place, name in enumerate(names):
        if name and not fits(name):
            names[place] = _free(offered_name(name), taken)
            taken.add(names[place])
    return names


def offered_name(text: str) -> str:
    """A name that a template can write, as near as can be to a text that is none."""
    name = _NOT_IN_A_NAME.sub("_", variable_name(text)[: 4 * _LONGEST_OFFER]).strip("_").lower()
    # A letter may become two in lower case, and a name beyond ASCII must stay what a template compares by.
    name = variable_name(name)[:_LONGEST_OFFER].rstrip("_")
    return name if fits(name) else _fitting(f"column_{name}".rstrip("_"))


def fits(name: str) -> bool:
    """Whether a template can write a name as `{{ name }}`."""
    if len(name) > LONGEST_NAME:
        return False
    try:
        check_variable_name(name)
    except InvalidInput:
        return False
    return True


def listed(names: Collection[str]) -> str:
    """The first names of many."""
    shown = [name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…" for name in list(names)[:_LISTED]]
    return ", ".join(shown) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _refuse_reserved(names: Sequence[str], where: str) -> None:
    """What ses-ops fills in itself gets no other name in silence: whoever has such a column means it to be used."""
    for name in RESERVED_VARIABLES.intersection(names):
        try:
            check_variable_name(name)
        except InvalidInput as cause:
            raise BadCsv(CsvFault.RESERVED_VARIABLE, where=where, name=name, problem=cause) from cause


def _fitting(name: str) -> str:
    return name if fits(name) else "column"


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number behind it that nobody has."""
    if name not in taken:
        return name
    return next(other for number in range(2, len(taken) + 3) if (other := f"{name}_{number}") not in taken)


def _check_chosen(chosen: Mapping[str, str], written: Sequence[str], where: str) -> None:
    known = set(written)
    for column, name in chosen.items():
        if column not in known:
            raise BadCsv(CsvFault.NO_MAPPED_COLUMN, where=where, name=column, variable=name, columns=listed(written))
        if not fits(name):
            raise BadCsv(CsvFault.BAD_VARIABLE, where=where, name=name[:LONGEST_NAME])
