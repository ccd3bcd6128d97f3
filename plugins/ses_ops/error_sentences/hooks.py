"""Refusals of providers' requests, and what is said of events that are set aside."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "hook_automatic_reply": "this is an automatic reply to the message, not a bounce",
    "hook_certificate_address": "the address of the certificate is not one of Amazon SNS",
    "hook_certificate_not_fetched": "the certificate of Amazon SNS cannot be fetched ({cause})",
    "hook_certificate_not_valid": "the certificate of Amazon SNS is not valid",
    "hook_confirmation_address": "the address that confirms the subscription is not one of Amazon SNS",
    "hook_event_not_understood": "this is not an event in the provider's format",
    "hook_event_without_time": "the event has no time",
    "hook_headers_contradict": "the headers of the request contradict its content",
    "hook_json_too_deep": "the JSON is nested more than {most} levels deep",
    "hook_key_not_ecdsa": "is not a verification key of SendGrid (ECDSA P-256, in base64)",
    "hook_kind_unknown": "events of the kind {kind_told!r} are not known",
    "hook_login_not_valid": "is not user:password with a password of {least} characters or more",
    "hook_login_wrong": "the login of the request is wrong",
    "hook_not_a_complaint": "a feedback report of the kind {kind_told!r} is not a complaint",
    "hook_not_a_form": "the request is not a form that can be read",
    "hook_not_an_object": "the request is not a JSON object",
    "hook_not_confirmed": "the subscription at Amazon SNS cannot be confirmed ({cause})",
    "hook_not_json": "the request is not JSON",
    "hook_not_of_sns": "the request is not a message of Amazon SNS",
    "hook_secret_not_for_a_url": "is not {least} or more letters, digits, - and _",
    "hook_secret_not_of_standard_webhooks": "is not whsec_ and the base64 of {least} octets or more",
    "hook_secret_wrong": "the secret in the address is wrong",
    "hook_signature_too_old": "the signature of the request is too old, or of the future",
    "hook_signature_wrong": "the signature of the request is wrong",
    "hook_topic_not_an_arn": "{value!r} is not the ARN of a topic of Amazon SNS",
    "hook_topic_not_listed": "the topic {topic!r} is not set up here",
}
