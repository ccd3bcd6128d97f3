"""Feedback reports (RFC 5965), by which a mailbox provider says that a recipient marked a message as spam."""

from __future__ import annotations

from ses_ops.events.dsn import Block, address_in
from ses_ops.events.mime_parts import MimePart
from ses_ops.events.report_verdict import Action, ReportedRecipient, ReportKind

FEEDBACK_TYPE = "message/feedback-report"
#: Feedback-Type to what it means; any other type (not-spam, auth-failure, virus, other) is no complaint.
_KINDS = {
    "abuse": ReportKind.COMPLAINT,
    "fraud": ReportKind.COMPLAINT,
    "opt-out": ReportKind.UNSUBSCRIBE,
    "opt-out-list": ReportKind.UNSUBSCRIBE,
}
#: The fields that name the recipients; one report may have several of each (RFC 5965 3.3).
_RECIPIENTS = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient")


def feedback_type(block: Block) -> str:
    """The Feedback-Type of a report, in lower case."""
    return next((value.strip().lower() for name, value in block if name == "feedback-type"), "")


def kind_of(feedback: str) -> ReportKind:
    """What a Feedback-Type means. A report without one says by its media type alone that somebody complained."""
    return _KINDS.get(feedback, ReportKind.NONE) if feedback else ReportKind.COMPLAINT


def kind_without_report(root: MimePart) -> ReportKind:
    """What a mail means that has no report part: Microsoft's junk mail reports, and Apple Mail's unsubscribing."""
    sender = root.header("from").lower()
    if "staff@hotmail.com" in sender and "complaint about message from" in root.header("subject").lower():
        return ReportKind.COMPLAINT
    return ReportKind.UNSUBSCRIBE if root.header("x-apple-unsubscribe").strip().lower() == "true" else ReportKind.NONE


def complaining(block: Block, returned_to: tuple[str, ...]) -> list[ReportedRecipient]:
    """The recipients that a report names, else those of the returned message; one without an address if redacted."""
    named = [address_in(value) for name, value in block if name in _RECIPIENTS]
    found = list(dict.fromkeys(one for one in named if one)) or list(returned_to[:1]) or [""]
    return [ReportedRecipient(address=one, action=Action.DELIVERED) for one in found]
