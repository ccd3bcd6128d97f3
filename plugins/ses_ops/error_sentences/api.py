"""Errors of the API that are known before a request is read: its key, its size, its form, its rate."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "api_key_domain_missing": "the key is not for mail of {sender_domain}",
    "api_key_missing": "the request shows no key",
    "api_key_scope_missing": "the key has not the scope {scope}",
    "api_key_wrong": "the key does not exist, is revoked, or its secret is wrong",
    "api_sends_nothing": "this process takes no messages",
    "body_encoded": "the body has a Content-Encoding",
    "body_length_not_usable": "the Content-Length is not a number",
    "body_not_json": "the body is not JSON, but {given!r}",
    "body_too_large": "the body has more than {most:,} octets",
    "body_too_slow": "the body did not arrive in time",
    "field_not_usable": "this is not usable: {why}",
    "json_half_of_a_surrogate_pair": "a text of the body has half of a surrogate pair",
    "json_key_twice": "an object of the body has the member {name!r} twice",
    "json_not_readable": "the body is not one JSON value, from octet {at} on",
    "json_not_utf_8": "the body is not UTF-8, from octet {at} on",
    "json_number_not_usable": "a number of the body is not finite, or too long",
    "json_too_deep": "the body is nested more than {most} levels deep",
    "method_not_allowed": "the resource has no such method",
    "no_such_resource": "there is no such resource",
    "request_not_served": "the request cannot be served",
    "too_many_large_bodies": "too many large requests are being read now",
    "too_many_requests": "the key has used its {limit:,} requests of this second",
    "too_many_requests_at_once": "more than {limit:,} requests are being answered at the same time",
}
