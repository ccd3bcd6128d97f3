"""Errors of imported files, and reasons for rejected rows."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "address_in_group": "the address is in the group already",
    "bad_variable": "{name!r} cannot be the name of a column",
    "both": "{one} and {other}",
    "broken_workbook": (
        'is an .xlsx file that cannot be read: it is damaged, or of an unusual kind; save it as "CSV UTF-8"'
    ),
    "column_named_twice": "the column {column!r} is given two names",
    "columns_besides": "has {names} besides",
    "columns_missing": "lacks {names}",
    "compressed": "is compressed ({format}); unpack it first: {command} FILE",
    "duplicate_address": "the same address stands on line {line}",
    "empty": "the file is empty; its first row must name the columns",
    "encoding": 'is written in {encoding}; save it as "CSV UTF-8"',
    "error_in_a_cell": "column {column} holds the error {error}",
    "form_sent_before": "this form was sent already; open the page of uploads anew",
    "form_too_long": "the texts of the form are longer than {most:,} bytes",
    "form_with_too_many_fields": "the form has more than {most} fields",
    "form_without_file": "this is no form with a file",
    "formula_without_a_value": (
        "column {column} is a formula whose value the file does not hold; open it in a spreadsheet, save it and "
        "import it again"
    ),
    "group_busy": "a file is being imported into {group!r} now; try again when that is done",
    "group_busy_by": "{who} is importing a file into {group!r} now; try again when that is done",
    "group_exists": "there is a recipient group named {group!r} already",
    "group_in_use": "recipient group {group!r} is used by {tasks}",
    "group_still_in_use": "recipient group {group!r} is still used by a send task",
    "import_stopped": "stopped by {who}",
    "large_workbook": (
        "is a workbook that is too large to be read (more than {most} MB, or it unpacks to too much); save it as "
        '"CSV UTF-8"'
    ),
    "no_address_column": "no column is named {known}",
    "no_header": (
        "there is no header: the first row holds the address {address!r}; put a row with the names of the "
        "columns above it, such as address,name"
    ),
    "no_mapped_column": "has no column {name!r} to be named {variable!r}; it has {columns}",
    "no_rows": "has a header and no rows",
    "no_such_column": "has no column {name!r}; it has {columns}",
    "no_such_sheet": "has no sheet {name!r}; it has {names}",
    "no_usable_row": "none of its {count:,} rows can be used ({kinds})",
    "not_a_column_mapping": "{line!r} is not of the form COLUMN=NAME, such as First Name=first_name",
    "not_a_form": "this is no form that a browser sends",
    "not_a_group_name": "{name!r} cannot be a group's name: use up to 100 letters, digits, -, _ and .",
    "not_all_usable": "{count:,} rows were rejected ({kinds})",
    "not_an_encoding": "{name!r} is not an encoding; known are such as utf-8, cp1252, shift_jis, gb18030, utf-16",
    "not_in_encoding": "is not {encoding}, or it is damaged: near line {line} are bytes that {encoding} does not have",
    "not_utf8": (
        "is not UTF-8: byte {byte}; save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 IN.csv "
        "> OUT.csv (with the encoding that it really has)"
    ),
    "nul_byte": "there is a NUL byte in this row: it is no text, or it was damaged",
    "one_field": "{count} field where the header has {width}",
    "one_field_over_lines": "{count} field where the header has {width} (the row goes on to line {line})",
    "other_columns": "has other columns than the group: it {differs}",
    "other_delimiter": "the header is one column with {shown} in it: the delimiter is wrong",
    "other_encoding": "is not UTF-8 (line {line}, byte {byte}); as {encoding} that line reads {shown!r}",
    "other_format": "is no CSV file but another format ({format}); export the addresses as CSV",
    "quotation_marks": (
        "the quotation marks of this row do not match ({cause}); write a quote inside a quoted field twice"
    ),
    "recipient_group_deleted_after_the_end": (
        "there is no recipient group named {name!r}; it was deleted after this task had ended"
    ),
    "recipient_group_deleted_meanwhile": "there is no recipient group named {name!r}; it was deleted meanwhile",
    "recipient_group_not_found": "there is no recipient group named {name!r}",
    "recipient_not_in_group": "there is no recipient named {name!r}; group {group!r} does not have it",
    "repeated_column": "the header names {names} more than once",
    "reserved_variable": "the header's column {problem}",
    "same_variable": "the header has columns that are one variable to a template: {names}; rename one of them",
    "scope_not_known": "no mail is sent by the domain {value!r}; leave the scope empty for all mail",
    "several_address_columns": "{names} could each hold the address",
    "stray_line_break": (
        "there is a carriage return (CR) in the middle of this row; take it out, or put the value into quotes"
    ),
    "too_long": "a row is longer than {bytes:,} bytes: is a quotation mark opened and never closed?",
    "too_many_bytes": "the file is larger than {most:,} bytes",
    "too_many_columns": "the header has {columns:,} columns; at most {most:,} are taken",
    "unknown_column": "unknown column; known are the address, {columns}",
    "unnamed_column": "the header's column {column} has no name",
    "upload_broken_off": "the connection to the browser broke off",
    "upload_cut_off": "the upload was cut off before its end",
    "upload_too_slow": "the file came too slowly",
    "wide_delimiter": "the header has a full-width {wide!r} in it; write {meant!r} between the columns",
    "workbook": (
        'is a workbook of a spreadsheet; open it there and save it as .xlsx (without a password) or as "CSV UTF-8"'
    ),
    "wrong_number_of_fields": "{count} fields where the header has {width}",
    "wrong_number_of_fields_over_lines": "{count} fields where the header has {width} (the row goes on to line {line})",
}
