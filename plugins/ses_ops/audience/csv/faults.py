"""Why a CSV file cannot be used at all: what `BadCsv.fault` holds, so that a page can word it in its own language."""

from __future__ import annotations

from enum import StrEnum


class CsvFault(StrEnum):
    """A mistake that no row can be blamed for. In brackets: the facts that come with it."""

    #: Not even a header.
    EMPTY = "empty"
    #: [most] more bytes than are taken.
    TOO_MANY_BYTES = "too_many_bytes"
    #: [line, byte] the header holds bytes that are no UTF-8.
    NOT_UTF8 = "not_utf8"
    #: [encoding] a way to write text that cannot be read, or (of older versions) UTF-16.
    ENCODING = "encoding"
    #: [encoding, line] bytes that the encoding does not have.
    NOT_IN_ENCODING = "not_in_encoding"
    #: [line, byte, encoding, shown] the whole file is in another encoding; what a row would read as in the likely one.
    OTHER_ENCODING = "other_encoding"
    UTF16 = "utf16"
    #: A workbook of a spreadsheet in a format that is not read (only .xlsx is).
    WORKBOOK = "workbook"
    #: An .xlsx file that cannot be read, or is locked with a password.
    BROKEN_WORKBOOK = "broken_workbook"
    #: [most] an .xlsx file that would be too large when it is unpacked.
    LARGE_WORKBOOK = "large_workbook"
    #: [name, names] the sheet that was asked for is not in the workbook.
    NO_SUCH_SHEET = "no_such_sheet"
    #: [format] compressed.
    COMPRESSED = "compressed"
    #: [format] a file of another kind.
    OTHER_FORMAT = "other_format"
    #: [line] the header holds NUL bytes.
    NUL_BYTE = "nul_byte"
    #: [line] the header's quotation marks do not match.
    QUOTATION_MARKS = "quotation_marks"
    #: [line] a carriage return in the middle of the header.
    STRAY_LINE_BREAK = "stray_line_break"
    #: [line, bytes] the header does not end.
    TOO_LONG = "too_long"
    #: [column] a column without a name; from 1.
    UNNAMED_COLUMN = "unnamed_column"
    #: [names] columns of the same name.
    REPEATED_COLUMN = "repeated_column"
    #: [names] columns whose names are written differently and are one variable to a template.
    SAME_VARIABLE = "same_variable"
    #: [wide, meant] a full-width character where a delimiter is meant.
    WIDE_DELIMITER = "wide_delimiter"
    #: [columns, most] more columns than a person can have meant.
    TOO_MANY_COLUMNS = "too_many_columns"
    #: [name] a name that was chosen for a column, and that no template can have as a variable.
    BAD_VARIABLE = "bad_variable"
    #: [name, problem] a column of a name that ses-ops fills in itself.
    RESERVED_VARIABLE = "reserved_variable"
    #: [found] the header is one column with another delimiter in it.
    OTHER_DELIMITER = "other_delimiter"
    #: [address] the first row is a recipient.
    NO_HEADER = "no_header"
    #: [name, columns] the address column that was asked for is not there.
    NO_SUCH_COLUMN = "no_such_column"
    #: [name, columns] a column that was to be given another name is not there.
    NO_MAPPED_COLUMN = "no_mapped_column"
    #: [missing, unknown] rows are to be added to a group that has other columns.
    OTHER_COLUMNS = "other_columns"
    #: [columns] no column's name says that it holds the address.
    NO_ADDRESS_COLUMN = "no_address_column"
    #: [names, columns] several could.
    SEVERAL_ADDRESS_COLUMNS = "several_address_columns"
    NO_ROWS = "no_rows"
    #: [count, kinds] every row was left out.
    NO_USABLE_ROW = "no_usable_row"
    #: [count, kinds] rows were left out, and all or nothing was asked for.
    NOT_ALL_USABLE = "not_all_usable"
