"""Errors of the fields of a single message."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "attachments_too_large": "all files together have more than {most:,} bytes, before base64",
    "body_missing": "a message needs text, html or template",
    "character_not_allowed": "has the character {character}, which may not stand there",
    "content_id_twice": "two files have the content_id {name!r}",
    "header_from_of_other_domain": "must be an address of {domain}, the sender domain of from",
    "header_not_allowed": (
        "{name!r} cannot be set; a message may have headers that begin with X-, except those that mail providers read, "
        "and {known}"
    ),
    "header_twice": "{name!r} is there twice",
    "html_needs_text": "html with variables and more than {most:,} characters needs a text beside it",
    "kind_of_file_not_allowed": "{name!r} is not of a kind of file that may be attached",
    "moment_too_far_ahead": "{value!r} is more than {days} days ahead",
    "no_such_template": "there is no template named {name!r}",
    "no_recipient": "a message needs an address in to, cc or bcc",
    "not_a_content_id": ("{value!r} is not a Content-ID; write letters, digits and dots, perhaps with @ and a domain"),
    "not_a_header_name": "{name!r} is not the name of a header; write letters, digits and hyphens, 60 at most",
    "not_a_json_value": "must be a text, a finite number, true, false, null, a list or an object",
    "not_a_media_type": "{value!r} is not the media type of a file; write for example application/pdf",
    "not_a_message_id": "{value!r} is not a Message-ID such as <id@example.com>",
    "not_a_moment": "{value!r} is not a time with its offset; write for example 2026-12-01T09:00:00+09:00",
    "not_base64": "must be base64 (RFC 4648 section 4) with its padding",
    "not_files": "must be a list of objects with {known}",
    "not_headers": "must be an object of texts, one for each header",
    "not_texts": "must be a text or a list of texts",
    "not_tracking": 'must be an object such as {{"opens": true, "clicks": false}}',
    "not_values": "must be an object, one value for each variable",
    "own_text_too_long": (
        "with variables it has at most {most:,} characters; send it verbatim, or store it as a template"
    ),
    "recipient_twice": "{address!r} is there twice, in to, cc and bcc together",
    "template_is_not_verbatim": "a template is filled in; verbatim is for a text and html of the message's own",
    "template_or_body": "a message has a template, or text and html of its own, not both",
    "too_many_addresses": "has {count} addresses; at most {most} are allowed",
    "too_many_attachments": "has {count} files; at most {most} are allowed",
    "too_many_values": "has more than {most:,} values, those in lists and objects among them",
    "value_missing": "a value is missing: {says}",
    "value_is_filled_in": "{name!r} cannot be a value: ses-ops fills it in itself",
    "value_does_not_fit": "a value is of another kind than its place in the template needs",
    "values_are_one": "{one!r} and {other!r} are one variable to a template",
    "values_too_deep": "has more than {most} lists and objects inside of each other",
    "whole_number_too_large": "has a whole number of more than 64 bits; write it as a text",
}
