"""The words of a report for people, as far as they are about one recipient."""

from __future__ import annotations

import re

from ses_ops.domain.delivery_failure import DeliveryFailure, Reason, Stage
from ses_ops.domain.report_failure import classify_report, of_dns, reply_codes, stage_in

#: Reasons that a server's number gives where no words do: other words of the report may say more.
VAGUE = frozenset(
    {Reason.RECIPIENT_REFUSED, Reason.POLICY, Reason.SERVER_TROUBLE, Reason.UNROUTABLE, Reason.MAILBOX_DISABLED}
)
#: Reasons by which the address exists.
_EXISTS = frozenset({Reason.MAILBOX_DISABLED, Reason.MAILBOX_FULL})
#: Lines after the line of an address that may belong to it.
_MOST_LINES = 8
_COMMANDS = {"MAIL": Stage.SENDER, "RCPT": Stage.RECIPIENT, "DATA": Stage.CONTENT, ".": Stage.CONTENT}
#: The beginning of the next entry of a transcript.
_NEXT = re.compile(r"[45]\d\d |>>>|<<<|\.\.\. while|while talking", re.IGNORECASE)
_ANY_ADDRESS = re.compile(r"[^\s<>;,:\"()]+@[^\s<>;,:\"()]+")


def best_failure(
    status: str, diagnostic: str, words: str, address: str, *, permanent: bool, alone: bool
) -> DeliveryFailure | None:
    """The failure by the server's own words; by those of the report for people where the server's say too little."""
    stage = _stage(words, diagnostic, address)
    failure = classify_report(status=status, diagnostic=diagnostic, permanent=permanent, stage=stage, standard=True)
    if failure is not None and failure.reason not in VAGUE:
        return failure
    said_by_server = bool(reply_codes(diagnostic))
    near = about(words, address)
    for text in dict.fromkeys((near, words if alone or not near else "")):
        other = classify_report(status=status, diagnostic=text, permanent=permanent, stage=stage) if text else None
        if other is None or (other.hard and (said_by_server or (status[:1] == "4" and of_dns(diagnostic)))):
            continue  # the server's own words did not say so
        if other.hard and alone and text is not words:
            whole = classify_report(status=status, diagnostic=words, permanent=permanent, stage=stage)
            if whole is not None and whole.reason in _EXISTS:
                other = whole  # the report contradicts itself
        if other.reason not in VAGUE:
            return DeliveryFailure(other.reason, status or other.status)
        failure = failure or other
    return failure


def _stage(words: str, diagnostic: str, address: str) -> Stage | None:
    """The command that was refused: as the server's words name it, else as the transcript in the report does."""
    near = about(words, address)
    command = ""
    for line in words.split("\n"):
        said = " ".join(line[3:].split())[:60].lower()
        if line.lstrip().startswith(">>>"):
            command = line.lstrip()[3:].strip()[:4].upper()
        elif line.startswith("<<<") and command in _COMMANDS and said in (diagnostic or near).lower():
            return _COMMANDS[command]
    return stage_in(diagnostic) or stage_in(near)


def about(words: str, address: str) -> str:
    """The lines of a report that are about an address: those that name it, and what follows up to the next one."""
    if not address:
        return ""
    wanted, lines = address.lower(), words.split("\n")
    taken: list[str] = []
    left = 0
    for line in lines:
        named = [one.lower().rstrip(".") for one in _ANY_ADDRESS.findall(line)]
        if wanted in named:
            left = _MOST_LINES
        elif named or _NEXT.match(line) or (not line.strip() and left < _MOST_LINES):
            left = 0
        if left:
            taken.append(line.strip())
            left -= 1
    return "\n".join(taken)
