"""Judges a folder of mails against its `expected.json`: prints every disagreement, and one JSON object at the end.

`expected.json` is `{"name.eml": {"kind": "bounce|complaint|auto_reply|none", "recipients": [{"hard": true}, ...]}}`;
a recipient may have an `address` as well. *hard* means that the address or its domain does not exist, or has moved.
Needs no database: `make bounce-corpus DIR=folder`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ses_ops.events.report_mail import read_report
from ses_ops.events.report_verdict import ReportedRecipient, ReportKind


@dataclass
class Score:
    """The sums over a folder."""

    mails: int = 0
    kind_right: int = 0
    #: Recipients that are expected, those of them that were found, and of these those judged right.
    recipients: int = 0
    recipients_found: int = 0
    hard_right: int = 0
    #: Recipients judged hard that are not, those among them that nobody expects included.
    wrongly_hard: int = 0


def paired(
    expected: Sequence[dict[str, Any]], found: Sequence[ReportedRecipient]
) -> tuple[list[tuple[dict[str, Any], ReportedRecipient]], list[ReportedRecipient]]:
    """Pairs of an expected recipient and the one found for it, by address where it has one; and what is left over."""
    left, pairs = list(found), []
    for want in sorted(expected, key=lambda one: "address" not in one):
        if "address" in want:
            match = next(
                (one for one in left if want["address"].lower() in (one.address.lower(), one.final.lower())), None
            )
        else:
            match = next((one for one in left if one.hard == want["hard"]), left[0] if left else None)
        if match is not None:
            left.remove(match)
            pairs.append((want, match))
    return pairs, left


def judge(name: str, raw: bytes, expected: dict[str, Any], score: Score) -> list[str]:
    """Judge one mail, add it to the score, and return what is wrong."""
    verdict = read_report(raw)
    kind = ReportKind.NONE if verdict.kind is ReportKind.UNSUBSCRIBE else verdict.kind
    wrong = [] if kind == expected["kind"] else [f"{name}: is {verdict.kind}, not {expected['kind']}"]
    wanted = expected.get("recipients", [])
    pairs, left = paired(wanted, verdict.recipients)
    score.mails += 1
    score.kind_right += not wrong
    score.recipients += len(wanted)
    score.recipients_found += len(pairs)
    if len(pairs) < len(wanted):
        wrong.append(f"{name}: {len(pairs)} of {len(wanted)} recipients found: {[one.address for one in left]}")
    for want, one in pairs:
        score.hard_right += one.hard == want["hard"]
        if one.hard != want["hard"]:
            reason = one.failure.reason if one.failure else "no reason"
            judged = "hard" if one.hard else "not hard"
            wrong.append(f"{name}: {one.address} is {judged} ({reason}, {one.status}): {one.diagnostic[:200]}")
    falsely = [one for one in left if one.hard] + [one for want, one in pairs if one.hard and not want["hard"]]
    score.wrongly_hard += len(falsely)
    wrong += [f"{name}: {one.address} is hard, and nobody expects it" for one in left if one.hard]
    return wrong


def main(folder: Path) -> None:
    """Judge a folder."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    score = Score()
    for name in sorted(expected):
        for line in judge(name, (folder / name).read_bytes(), expected[name], score):
            print(line)
    print(json.dumps(asdict(score)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
