"""Errors of requests to the native API."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "api_key_not_for_all_mail": "an entry for all mail needs a key for all sender domains",
    "batch_not_usable": "this is a list of 1 to {most} messages",
    "body_not_empty": "this request has no body",
    "body_not_an_object": "the body, or the message, is not a JSON object",
    "cursor_not_usable": "this is not a cursor of this list: take `next_cursor` of an answer, or none",
    "event_kind_not_known": "there is no kind of event {given!r}; the kinds are {known}",
    "idempotency_key_not_usable": "an idempotency key has 1 to 255 visible ASCII characters and no space",
    "list_not_usable": "this is a list of 1 to {most} usable items",
    "parameter_not_known": "there is no parameter of this name here ({known})",
    "parameter_twice": "the parameter is given more than once",
    "precondition_failed": "the object is not in the state that If-Match or If-None-Match names: read it again",
    "statistics_dimension_not_known": "{given!r} is not one of {known}",
}
