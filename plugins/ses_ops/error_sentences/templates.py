"""Why a template cannot be used, or not with these variables."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "template_changed_since": (
        "it was changed after this mailing's audience was frozen and now needs {names}, which its recipients "
        "have no values for; take that out of the template"
    ),
    "template_does_not_fit_group": "its {problem} (recipient group {group!r})",
    "template_not_found": "there is no template named {name!r}; {folder} has: {names}",
    "unsubscribe_url_empty": (
        "it shows {{{{ unsubscribe_url }}}} (line {line} of {file}), which would be empty in all mail of this "
        "task: give the task an unsubscribe_url, or show it only `if unsubscribe_url`"
    ),
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
