"""Sentences about imports of recipients, by error and field."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ses_ops.audience.csv.encoding_signs import python_codec
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.console.errors import worded, worded_beside
from ses_ops.console.forms import WHOLE, Form
from ses_ops.console.language import N_, Language
from ses_ops.errors import BadCsv, Explanation, GroupBusy, ImportStopped, InvalidInput, SesError
from ses_ops.storage.audience.imports import ImportRecord, ImportState

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Kinds of reasons for which a row is left out: values of `Rejected.kind`, and duplicates.
REASONS: dict[str, str] = {
    "bad address": N_("The address cannot exist"),
    "duplicate address": N_("The same address again"),
    "wrong number of fields": N_("More or fewer fields than the header"),
    "quotation marks": N_("Quotation marks do not match"),
    "stray line break": N_("A line break in the middle of the row"),
    "too long": N_("The row does not end"),
    "NUL byte": N_("NUL bytes"),
    "not UTF-8": N_("Not UTF-8"),
    "error in a cell": N_("An error in a cell, such as #N/A"),
    "formula without a value": N_("A formula whose value is not in the file"),
}
#: Delimiters and their names.
DELIMITERS: dict[str, str] = {
    ",": N_("Comma ,"),
    ";": N_("Semicolon ;"),
    "\t": N_("Tab"),
    "|": N_("Vertical bar |"),
}
_VARIABLE = N_(
    "The column %(name)s cannot be a variable of a template. Rename it: letters, digits and _, a letter first, "
    "and not unsubscribe_url, which is filled in by itself."
)
_FAULTS: dict[str, str] = {
    CsvFault.EMPTY: N_("The file is empty. Its first row must name the columns, such as address,name."),
    CsvFault.TOO_MANY_BYTES: N_(
        "The file is larger than %(most)s GB. Import it on the server, without a limit: ses group import NAME FILE.csv"
    ),
    CsvFault.NOT_UTF8: N_(
        "The file is not UTF-8 (byte %(byte)s in line %(line)s). Save it as “CSV UTF-8” and choose it again."
    ),
    CsvFault.OTHER_ENCODING: N_(
        "The file is not UTF-8 (byte %(byte)s in line %(line)s). As %(encoding)s that line would read: %(shown)s. If "
        "that is right, choose this encoding; else choose its true one, or save the file as “CSV UTF-8”."
    ),
    CsvFault.ENCODING: N_(
        "The file is written in %(encoding)s. Save it as “CSV UTF-8” and choose it again, or choose its encoding."
    ),
    CsvFault.NOT_IN_ENCODING: N_(
        "The file is not %(encoding)s, or it is damaged: near line %(line)s are bytes that this encoding does not have."
    ),
    CsvFault.COMPRESSED: N_("The file is compressed (%(format)s). Unpack it and choose the CSV file in it."),
    CsvFault.OTHER_FORMAT: N_("This is no CSV file but another format (%(format)s). Export the addresses as CSV."),
    CsvFault.UTF16: N_("The file is UTF-16 (“Unicode text”). Save it as “CSV UTF-8” and choose it again."),
    CsvFault.WORKBOOK: N_(
        "This is a workbook of a spreadsheet. Open it there, save it as .xlsx without a password, or as “CSV UTF-8”, "
        "and choose that."
    ),
    CsvFault.BROKEN_WORKBOOK: N_(
        "This workbook cannot be read: it is damaged, or of an unusual kind. Save it as “CSV UTF-8” and choose that."
    ),
    CsvFault.LARGE_WORKBOOK: N_(
        "This workbook is too large (more than %(most)s MB, or it unpacks to too much). Save it as “CSV UTF-8” and "
        "choose that."
    ),
    CsvFault.NO_SUCH_SHEET: N_("The workbook has no sheet %(name)s. It has: %(names)s"),
    CsvFault.NUL_BYTE: N_("The header holds NUL bytes: this is no CSV file, or it was damaged. Export it anew as CSV."),
    CsvFault.QUOTATION_MARKS: N_(
        "The quotation marks in the header (line %(line)s) do not match. Write a quote inside a quoted name twice."
    ),
    CsvFault.STRAY_LINE_BREAK: N_("There is a line break in the middle of the header (line %(line)s). Take it out."),
    CsvFault.TOO_LONG: N_(
        "The header (line %(line)s) does not end. Is a quotation mark opened and never closed, or is this no CSV file?"
    ),
    CsvFault.UNNAMED_COLUMN: N_("Column %(column)s has no name in the header. Name it, or take the column out."),
    CsvFault.REPEATED_COLUMN: N_("The header names %(names)s more than once. Rename or take out one of the columns."),
    CsvFault.SAME_VARIABLE: N_("Some columns are one and the same to a template: %(names)s. Rename one of them."),
    CsvFault.WIDE_DELIMITER: N_(
        "The header has a full-width %(wide)s in it. Write the ASCII character %(meant)s between the columns."
    ),
    CsvFault.TOO_MANY_COLUMNS: N_("The file has %(columns)s columns. At most %(most)s are taken: take out the others."),
    CsvFault.NO_MAPPED_COLUMN: N_("The file has no column %(name)s that could be named otherwise. It has: %(columns)s"),
    CsvFault.OTHER_COLUMNS: N_(
        "Rows can only be added with the columns that the group has. Missing in the file: %(missing)s. Not in the "
        "group: %(unknown)s."
    ),
    CsvFault.BAD_VARIABLE: _VARIABLE,
    CsvFault.RESERVED_VARIABLE: _VARIABLE,
    CsvFault.OTHER_DELIMITER: N_("The columns of this file are separated by another character: %(found)s"),
    CsvFault.NO_HEADER: N_(
        "There is no header: the first row holds the address %(address)s. Put a row with the names of the columns "
        "above it, such as address,name."
    ),
    CsvFault.NO_SUCH_COLUMN: N_("The file has no column %(name)s. It has: %(columns)s"),
    CsvFault.NO_ADDRESS_COLUMN: N_(
        "No column is named address, email, e-mail, mail or email_address. Write here which one holds the address: "
        "%(columns)s"
    ),
    CsvFault.SEVERAL_ADDRESS_COLUMNS: N_("Several columns could hold the address. Write here which one: %(names)s"),
    CsvFault.NO_ROWS: N_("The file has a header and no rows below it."),
    CsvFault.NO_USABLE_ROW: N_("None of the rows (%(count)s) can be used: %(reasons)s"),
    CsvFault.NOT_ALL_USABLE: N_("Some rows (%(count)s) cannot be used, and you asked for all or nothing: %(reasons)s"),
}
#: Fields of errors by code; other errors belong to the field of the file.
_FIELDS = {
    CsvFault.OTHER_DELIMITER: "delimiter",
    CsvFault.OTHER_ENCODING: "encoding",
    CsvFault.ENCODING: "encoding",
    CsvFault.NOT_IN_ENCODING: "encoding",
    CsvFault.NO_SUCH_SHEET: "sheet",
    CsvFault.NO_MAPPED_COLUMN: "map",
    CsvFault.NO_SUCH_COLUMN: "address_column",
    CsvFault.NO_ADDRESS_COLUMN: "address_column",
    CsvFault.SEVERAL_ADDRESS_COLUMNS: "address_column",
}
_NOTHING = N_("nothing")
_BUSY = N_("%(who)s is importing a file into this group now. Try again when that is done.")
_BUSY_ANYBODY = N_("A file is being imported into this group now. Try again when that is done.")
_STOPPED = N_("Stopped by %(who)s. The group is as it was before.")
_BROKE_OFF = N_("The connection broke off before the end. The group is as it was before; try again.")
_TOO_SLOW = N_(
    "The file came too slowly, and its import was ended. The group is as it was before; try again over a faster "
    "connection."
)
_LOST = N_("The server stopped in the middle. The group is as it was before; try again.")
_UNEXPECTED = N_("Something went wrong on the server; its log says what. The group is as it was before.")


def problem_of(words: Language, problem: SesError) -> tuple[str, str]:
    """The field of an error, and the sentence beside it."""
    if isinstance(problem, BadCsv):
        return _fault(words, problem.code, problem.facts)
    if isinstance(problem, ImportStopped):
        return "file", _stopped(words, problem.by, problem.code)
    if isinstance(problem, GroupBusy):
        return WHOLE, busy(words, problem)
    return WHOLE, worded_beside(words, problem)


def problem_of_record(words: Language, record: ImportRecord) -> tuple[str, str] | None:
    """The field and the sentence of an import that failed; None for a running or a successful one."""
    if record.state is ImportState.STOPPED:
        return "file", _stopped(words, record.stopped_by, record.fault)
    if record.state is ImportState.LOST:
        return "file", words.gettext(_LOST)
    if record.state is not ImportState.FAILED:
        return None
    if record.fault in _FAULTS:
        # Facts with other names are of another version, or written by hand.
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            return _fault(words, str(record.fault), record.facts)
    if (why := Explanation.read(record.fault, record.facts)) is not None:
        return "file", worded(words, why)
    return "file", worded(words, record.problem) if record.problem else words.gettext(_UNEXPECTED)


def check_encoding(words: Language, form: Form) -> None:
    """Write an error beside the field if its value is no encoding."""
    try:
        python_codec(form.text("encoding") or "utf-8")
    except InvalidInput:
        form.problem("encoding", words.gettext(N_("There is no such encoding. Known are such as cp1252 or shift_jis.")))


def busy(words: Language, problem: GroupBusy) -> str:
    """The sentence for a group that cannot be changed now."""
    return words.gettext(_BUSY, who=problem.by) if problem.by else words.gettext(_BUSY_ANYBODY)


def reasons(words: Language, kinds: Iterable[tuple[str, int]]) -> str:
    """The counts by reason as a text: `The address cannot exist (3), Not UTF-8 (1)`."""
    return ", ".join(f"{words.gettext(REASONS.get(kind, kind))} ({words.number(count)})" for kind, count in kinds)


def _stopped(words: Language, by: str | None, code: str | None) -> str:
    if not by and code == "upload_too_slow":
        return words.gettext(_TOO_SLOW)
    return words.gettext(_STOPPED, who=by) if by else words.gettext(_BROKE_OFF)


def _fault(words: Language, fault: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    shown: dict[str, object] = {}
    for name, fact in facts.items():
        if name == "kinds":
            shown["reasons"] = reasons(words, fact.items())
        elif name == "most" and fault == CsvFault.TOO_MANY_BYTES:
            shown[name] = words.number(round(fact / 1024**3, 1))
        elif fact == "":
            shown[name] = words.gettext(_NOTHING)
        elif name == "found":
            shown[name] = words.gettext(DELIMITERS.get(fact, fact))
        elif isinstance(fact, list | tuple):
            shown[name] = ", ".join(map(str, fact))
        else:
            shown[name] = words.number(fact) if isinstance(fact, int) else fact
    text = words.gettext(_FAULTS[fault])
    return _FIELDS.get(CsvFault(fault), "file"), text % shown
