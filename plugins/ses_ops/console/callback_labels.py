"""The labels of callbacks: states of endpoints, outcomes of posts, kinds of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ses_ops.console import feedback_labels
from ses_ops.console.language import N_
from ses_ops.domain.callback import TEST, CallbackFormat, CallbackKind

if TYPE_CHECKING:
    from ses_ops.storage.callbacks.endpoints import Endpoint

FORMATS: dict[str, str] = {
    CallbackFormat.NATIVE.value: N_("native, signed"),
    CallbackFormat.TENCENT.value: N_("as Tencent SES posts"),
}
KINDS: dict[str, str] = {
    **{kind: label for kind, (_, label) in feedback_labels.EVENTS.items()},
    CallbackKind.BOUNCED.value: N_("bounce"),
    CallbackKind.OPENED.value: N_("opened"),
    CallbackKind.CLICKED.value: N_("clicked"),
    CallbackKind.REFUSED.value: N_("refused while sending"),
    TEST: N_("test"),
}
#: The class of a badge and the word.
OUTCOMES: dict[str, tuple[str, str]] = {
    "delivered": ("finished", N_("taken")),
    "failed": ("error", N_("failed for good")),
    "expired": ("paused", N_("expired")),
    "gone": ("paused", N_("nothing to post")),
}
#: Why there is no HTTP status.
NO_ANSWERS: dict[str, str] = {
    "timed_out": N_("no answer in time"),
    "no_such_host": N_("the host has no address"),
    "target_refused": N_("an address of a private network"),
    "not_connected": N_("no connection"),
    "tls_failed": N_("TLS failed"),
    "broken": N_("the connection broke"),
}


def state_badge(one: Endpoint) -> tuple[str, str]:
    """The class of the badge of an endpoint, and its word."""
    if one.stopped_at is not None:
        return "error", N_("stopped")
    if one.paused_at is not None:
        return "paused", N_("paused")
    return ("retrying", N_("failing")) if one.failing_since is not None else ("finished", N_("posting"))


#: What templates get.
ON_PAGES: dict[str, Any] = {
    "formats": FORMATS,
    "kinds": KINDS,
    "outcomes": OUTCOMES,
    "no_answers": NO_ANSWERS,
    "state_badge": state_badge,
}
