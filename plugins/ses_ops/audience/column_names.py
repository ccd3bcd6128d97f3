"""Names of variables for the columns of a file.

A column has the name that a person chose, else its own name if a template can write that, else an offered name:
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

#: Characters of the longest name of a variable; a longer text is no name.
LONGEST_NAME = 100
#: Characters of the longest name that is offered.
_LONGEST_OFFER = 60
#: Number of names that a message about a header lists.
_LISTED = 20
_NOT_IN_A_NAME = re.compile(r"\W+")


def read_mapping(lines: Iterable[str]) -> dict[str, str]:
    """Names of variables by their columns, read from lines such as `First Name=first_name`; raises InvalidInput."""
    chosen: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            continue
        # The last = separates the two: a column may have a = in its name, a variable has none.
        column, sign, name = line.rpartition("=")
        column, name = column.strip(), variable_name(name)
        if not sign or not column or not name:
            raise InvalidInput("not_a_column_mapping", line=line.strip())
        if column in chosen:
            raise InvalidInput("column_named_twice", column=column)
        chosen[column] = name
    return chosen


def column_names(fields: Sequence[str], chosen: Mapping[str, str], *, where: str) -> list[str]:
    """A name for each column, in order. Raises BadCsv for a chosen name that cannot be. The work is linear."""
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
    """A name that a template can write, as close as possible to `text`."""
    name = _NOT_IN_A_NAME.sub("_", variable_name(text)[: 4 * _LONGEST_OFFER]).strip("_").lower()
    # A letter may become two in lower case, and a name beyond ASCII must keep the form that templates compare (NFKC).
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
    """The first 20 names as a text, and how many more there are."""
    shown = [name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…" for name in list(names)[:_LISTED]]
    return ", ".join(shown) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _refuse_reserved(names: Sequence[str], where: str) -> None:
    """Raise BadCsv for a variable that ses-ops fills in itself, which must not silently get another name.

    The owner of a file with such a column means the column to be used.
    """
    for name in RESERVED_VARIABLES.intersection(names):
        try:
            check_variable_name(name)
        except InvalidInput as cause:
            raise BadCsv(CsvFault.RESERVED_VARIABLE, where=where, name=name, problem=cause) from cause


def _fitting(name: str) -> str:
    return name if fits(name) else "column"


def _free(name: str, taken: Collection[str]) -> str:
    """The name, with the smallest number behind it that makes it unique if it is taken."""
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
