"""The faults by which a whole CSV file is refused (the code of `BadCsv`)."""

from __future__ import annotations

from enum import StrEnum


class CsvFault(StrEnum):
    """A fault of the file as a whole. The comment of each has its facts in brackets."""

    #: The file has not even a header.
    EMPTY = "empty"
    #: [most] The file has more bytes than are accepted.
    TOO_MANY_BYTES = "too_many_bytes"
    #: [line, byte] The header has bytes that are not UTF-8.
    NOT_UTF8 = "not_utf8"
    #: [encoding] The encoding cannot be read (older versions: also UTF-16).
    ENCODING = "encoding"
    #: [encoding, line] The file has bytes that the encoding does not have.
    NOT_IN_ENCODING = "not_in_encoding"
    #: [line, byte, encoding, shown] The whole file has another encoding; `shown` is a line read in the likely encoding.
    OTHER_ENCODING = "other_encoding"
    UTF16 = "utf16"
    #: A workbook of a spreadsheet in a format that is not read (only .xlsx is).
    WORKBOOK = "workbook"
    #: An .xlsx file that cannot be read, or is locked with a password.
    BROKEN_WORKBOOK = "broken_workbook"
    #: [most] An .xlsx file that would be too large when it is unpacked.
    LARGE_WORKBOOK = "large_workbook"
    #: [name, names] The workbook does not have the sheet that was asked for.
    NO_SUCH_SHEET = "no_such_sheet"
    #: [format] The file is compressed.
    COMPRESSED = "compressed"
    #: [format] The file has another format.
    OTHER_FORMAT = "other_format"
    #: [line] The header has NUL bytes.
    NUL_BYTE = "nul_byte"
    #: [line] The quotation marks of the header do not match.
    QUOTATION_MARKS = "quotation_marks"
    #: [line] The header has a carriage return in the middle.
    STRAY_LINE_BREAK = "stray_line_break"
    #: [line, bytes] The header does not end.
    TOO_LONG = "too_long"
    #: [column] A column has no name; the number counts from 1.
    UNNAMED_COLUMN = "unnamed_column"
    #: [names] Several columns have the same name.
    REPEATED_COLUMN = "repeated_column"
    #: [names] Several columns have names that are spelt differently and are one variable to a template.
    SAME_VARIABLE = "same_variable"
    #: [wide, meant] The header has a full-width character where a delimiter is meant.
    WIDE_DELIMITER = "wide_delimiter"
    #: [columns, most] The header has more columns than a person can have meant.
    TOO_MANY_COLUMNS = "too_many_columns"
    #: [name] A name chosen for a column cannot be a variable of a template.
    BAD_VARIABLE = "bad_variable"
    #: [name, problem] A column has a name that ses-ops fills in itself.
    RESERVED_VARIABLE = "reserved_variable"
    #: [found] The header is one column with another delimiter in it.
    OTHER_DELIMITER = "other_delimiter"
    #: [address] The first row is a recipient and not a header.
    NO_HEADER = "no_header"
    #: [name, columns] The file does not have the address column that was asked for.
    NO_SUCH_COLUMN = "no_such_column"
    #: [name, columns] The file does not have a column for which a name was chosen.
    NO_MAPPED_COLUMN = "no_mapped_column"
    #: [missing, unknown] Rows are to be added to a group that has other columns.
    OTHER_COLUMNS = "other_columns"
    #: [columns] No column has a name that marks the address.
    NO_ADDRESS_COLUMN = "no_address_column"
    #: [names, columns] Several columns have names that mark the address.
    SEVERAL_ADDRESS_COLUMNS = "several_address_columns"
    NO_ROWS = "no_rows"
    #: [count, kinds] Every row was rejected.
    NO_USABLE_ROW = "no_usable_row"
    #: [count, kinds] Rows were rejected, and the import was asked for as all or nothing.
    NOT_ALL_USABLE = "not_all_usable"
