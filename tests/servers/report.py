"""The tables, as Markdown: what the program prints and docs/mail-servers.md shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.servers.passes import Pass
from tests.servers.trial import Trial

#: The place of the tables in docs/mail-servers.md.
_BEGIN, _END = "<!-- tables -->", "<!-- end of tables -->"
_HEAD = (
    "| server | version | how | PIPELINING | mode | 300 messages: sent / failed / unknown / left"
    " | doubled / missing | a second | with a restart: of, sent / failed / unknown / left | doubled / missing | notes |"
)

_CASES = (
    "| server | case | right | sent / failed / unknown / left | doubled | suppressed | seconds | as it should | words |"
)


def tables(trials: Sequence[Trial]) -> str:
    """All results, for people."""
    run, absent = [one for one in trials if one.well], [one for one in trials if one.not_run]
    parts = []
    if run:
        rule = "|" + " --- |" * (_HEAD.count("|") - 1)
        parts.append("\n".join([_HEAD, rule, *(_row(one) for one in run)]))
    if cases := [line for one in trials for line in _cases(one)]:
        parts.append("\n".join([_CASES, "|" + " --- |" * 9, *cases]))
    parts += [f"not run: {one.name}: {one.not_run}" for one in absent]
    return "\n\n".join(parts)


def write_into(document: Path, trials: Sequence[Trial]) -> None:
    """Put the tables into a document, between its two marks."""
    before, _, rest = document.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}\n{tables(trials)}\n{_END}{after}")


def _row(trial: Trial) -> str:
    assert trial.well is not None
    cells = [
        trial.name,
        trial.version,
        trial.how,
        "yes" if trial.pipelining else "no",
        trial.mode,
        _states(trial.well),
        _law(trial.well),
        f"{trial.well.rate:.0f}",
        f"{trial.restart.messages}: {_states(trial.restart)}" if trial.restart else "-",
        _law(trial.restart) if trial.restart else "-",
        _plain("; ".join(trial.own_faults()) or "as it should be") + _said(trial),
    ]
    return "| " + " | ".join(cells) + " |"


def _cases(trial: Trial) -> list[str]:
    lines = []
    for name, (scenario, got, why) in trial.scenarios.items():
        if got is None:
            lines.append(f"| {trial.name} | {name} | {scenario.right} | - | - | - | - | not run | {_plain(why)} |")
            continue
        well = "yes" if scenario.judge(got) else "NO"
        cells = [trial.name, name, scenario.right, _states(got), str(got.doubled), str(got.suppressed)]
        cells += [f"{got.seconds:.1f}", well, _plain(got.words)[:300]]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _states(got: Pass) -> str:
    return f"{got.sent} / {got.failed} / {got.unknown} / {got.left}"


def _said(trial: Trial) -> str:
    """Why messages were not sent, and what the server did by itself."""
    passes = [("well", trial.well), ("restart", trial.restart)]
    notes = [f"{title}: {_plain(got.words)[:300]}" for title, got in passes if got and got.words]
    notes += [
        f"{title}, missing or altered: {_plain(', '.join(got.whose))}" for title, got in passes if got and got.whose
    ]
    if trial.restart and trial.restart.redelivered:
        notes.append(f"restart: {trial.restart.redelivered} delivered again by the server itself")
    return f" ({'; '.join(notes)})" if notes else ""


def _law(got: Pass) -> str:
    return f"{got.doubled} / {got.missing}"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
