"""Errors of a template, or of its variables."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "address_not_normalised": "{address!r} is not a normalised address",
    "attribute_path_of_too_many_names": "the path of an attribute has at most {most} names",
    "attribute_path_too_long": "the path of an attribute is too long",
    "comment_swallows_element": (
        "{{# begins a comment (line {line} of {file}), which swallows a part of an element, up to line {last}; "
        "if it is to be text, write a space between {{ and #"
    ),
    "comment_swallows_text": (
        "{{# begins a comment here, which swallows everything up to line {line}; in CSS or JavaScript write a "
        "space between {{ and #, and in a comment no other {{# and no end of its element"
    ),
    "file_name_not_fixed": "the name of an included file must be a fixed text",
    "file_not_utf8": "it is not UTF-8 (byte {byte})",
    "file_too_large": "{file} has more than {most} bytes",
    "files_in_a_circle": "files include each other in a circle",
    "filter_makes_html": "the filter {name!r} makes HTML, which no link can hold",
    "filter_number_not_valid": "a filter takes a whole number, {most} at most",
    "filter_text_too_long": "this filter takes texts of at most {most} characters",
    "format_too_wide": "a format may not pad to more than 999 characters",
    "half_surrogate_pair": "character {number} is half a surrogate pair",
    "html_not_converted": "no text can be made of the HTML: {why}; write a body.txt",
    "included_file_missing": "it includes {file!r}, which is not in the folder of templates",
    "link_not_ascii": "{link!r} is not a link in printable ASCII",
    "link_not_ascii_meant": "{link!r} is not a link in printable ASCII; write its host as {host}",
    "list_too_long": "it would make a list of more than {most} items",
    "message_too_large": "the message has {count} bytes, more than {most}",
    "no_body": "it has neither body.html nor body.txt",
    "no_part_of_templates": (
        "{name!r} is no part of mail templates; they can have values, filters, if, for, set, with, block, "
        "include, extends, macro, call, import and autoescape"
    ),
    "no_subject": "it has no subject.txt",
    "not_a_template_name": "a name has only lower-case letters, digits, - and _",
    "not_an_installation_id": "it must have 1-64 letters, digits and hyphens",
    "not_open_to_templates": "{name!r} is not open to templates",
    "number_too_large": "a number is too large",
    "only_values": (
        "only values may stand here: {{{{ name }}}}, {{{{ name | upper }}}}, {{% if name %}} ... {{% else %}} "
        "... {{% endif %}}"
    ),
    "part_of_the_program": "it would write no text but a part of the program ({kind}); were its brackets forgotten?",
    "part_too_large": "it has more than {most} characters",
    "part_with_half_surrogate_pair": "the {part} has half a surrogate pair in it ({character!r})",
    "power_too_large": "the numbers of a power are too large",
    "private_use_characters": "it has characters of the private use area (U+F0000 and up)",
    "repetition_of_no_text": "only a text can be repeated",
    "repetition_too_long": "a repetition makes more than {most} characters",
    "sample_not_an_object": "it must be an object of texts, one for each variable",
    "sample_not_json": "it is not JSON ({cause})",
    "sample_variables_are_one": "it names {one!r} and {other!r}, which are one variable",
    "subject_missing": "it has no subject of its own; give the mail one",
    "subject_of_several_lines": "a subject is one line",
    "subject_with_line_break": "it has a line break in it",
    "sum_of_no_numbers": "sum adds numbers",
    "template_body_missing": "a template needs text or html",
    "template_changed_since": (
        "it was changed after this mailing's audience was frozen and now needs {names}, which its recipients "
        "have no values for; take that out of the template"
    ),
    "template_does_not_fit_group": "its {problem} (recipient group {group!r})",
    "template_engine_says": "{says}",
    "template_in_use": "template {name!r} is used by {tasks}",
    "template_name_of_folder": "the folder of templates has one named {name!r}; choose another name",
    "template_name_taken": "there is a template named {name!r} already",
    "template_not_found": "there is no template named {name!r}; {folder} has: {names}",
    "template_not_readable": "it cannot be read: {cause}",
    "template_takes_too_long": (
        "it takes too long or too much memory to be read or filled in, and was stopped; make it simpler"
    ),
    "templates_being_read": "other templates are being looked at just now; try again",
    "text_too_large": "it would make a text of more than {most} characters",
    "template_changed_meanwhile": "somebody has changed the template {name!r} meanwhile",
    "template_unknown": "there is none of this name",
    "token_without_text": "{token} (line {line}) stands where the text has nothing",
    "token_would_move": "{token} (line {line}) would change its place",
    "too_many_characters": "it has {count} characters, more than {most}",
    "too_many_files": "more than {most} files are included",
    "too_many_tokens": "it has more than {most} Jinja2 tokens",
    "too_much_code": "{file} has more than {most} characters in tags of Jinja2",
    "too_much_work": "it does too much work: too many turns of loops, calls, filters, or too long texts and lists",
    "unsubscribe_link_of_other_scheme": "it must begin with https://, http:// or mailto:",
    "unsubscribe_url_empty": (
        "it shows {{{{ unsubscribe_url }}}} (line {line} of {file}), which would be empty in all mail of this "
        "task: give the task unsubscribe or an unsubscribe_url, or show it only `if unsubscribe_url`"
    ),
    "unsubscribe_url_shown": (
        "it shows {{{{ unsubscribe_url }}}} (line {line} of {file}): a send task without one is refused, and a "
        "test send has an empty link; if not every mail needs one, show it only `if unsubscribe_url`"
    ),
    "value_not_a_text": "a value of this recipient is not a text",
    "values_missing_for_the_rest": "it needs {names}, which the recipients who are left have no values for",
    "variable_begins_with_underscore": (
        "{name!r} cannot be a variable: names that begin with _ are not open to templates"
    ),
    "variable_is_a_keyword": "{name!r} cannot be a variable: the word has a meaning of its own in templates",
    "variable_is_filled_in": "{name!r} cannot be a variable of a recipient group: ses-ops fills it in itself",
    "variable_not_a_name": "{name!r} cannot be a variable: use letters, digits and _, not beginning with a digit",
    "variables_are_one": (
        "the recipient group has {one!r} and {other!r}, which are one variable to a template; rename one of them "
        "and import the file again"
    ),
    "variables_missing_in_group": "the template needs {names}, which the recipient group does not have",
}
