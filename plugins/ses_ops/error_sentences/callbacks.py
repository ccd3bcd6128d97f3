"""Errors of callbacks: endpoints and what is posted to them."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "callback_endpoint_failing": "every post has failed for {days} days",
    "callback_endpoint_name_taken": "there is a callback endpoint {name!r} already",
    "callback_endpoint_not_found": "there is no callback endpoint {name!r}",
    "callback_endpoint_unwanted": "it answered {status}: it wants no more posts",
    "callback_kind_not_known": "{given!r} is not a kind of event ({known})",
    "callback_name_not_usable": "the name {given!r} is not lower case letters, digits and hyphens, at most 63",
    "callback_not_signed": "a callback in the format tencent has no signature, so it has no secret to rotate",
    "callback_span_not_usable": "give the beginning of a time before its end",
    "callback_target_not_found": "the host {host!r} of the address has no IP address",
    "callback_target_refused": "the host {host!r} is in a private network that SES_CALLBACK_ALLOW does not name",
    "callback_url_has_login": "the address must not have a user and a password in it",
    "callback_url_not_usable": "this is not an http or https address that events can be posted to",
    "not_a_callback_event": "{given!r} is not the id of an event",
    "not_a_network": "{given!r} is not a network such as 10.1.0.0/16",
}
