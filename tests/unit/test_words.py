"""Comments and docstrings are plain sentences: no private phrase stands where the field has a term.

A machine finds phrases, not sentences without a noun; those are for the reader of a change.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

#: Folders and files whose comments and docstrings follow the rule.
DONE = (
    "bench",
    "dags",
    "plugins/ses_ops",
    "scripts",
    "setup.py",
)

#: Phrases that a stranger has to guess, and the words that the field has for them.
PRIVATE = {
    r"(at most|after|in|for|of|once|than) so (many|much)\b|^so (many|much)\b": "a number with its unit and its bound",
    r"\bputs? off\b|\bputs? \w+( of our mail)? off\b": "deferred, defers (a server); delayed (ours)",
    r"\bput-off\b": "deferred",
    r"\bg[ia]ven? up\b|\bgives? up\b|\bgiving up\b": "expired (a message), closed (a connection), ended (a run)",
    r"\bown(s|ed|ing)? up\b": "reports",
    r"\bl(et|ets|etting) go\b": "released",
    r"\blookers?\b|\blooks? at it was\b": "viewers; checks",
    r"\bwhat waits\b|\bwho waits\b": "pending mail; the person who waits",
    r"\bstand(s|ing)? still\b": "paused, stalled",
    r"\b(is|are|was|were) away\b|\baway (now|for)\b": "unavailable",
    r"\bpatience\b": "timeout",
    r"\bin silence\b": "silently",
    r"\bsays? no in a word\b": "a word for no",
    r"\b(nobody's|anybody's|somebody's) business\b|\bnone of our business\b": "does not concern",
    r"\bis told\b": "is called with",
    r"\bnonsense\b": "malformed",
}


def private_phrases(sentence: str) -> list[str]:
    """Which private phrases a comment or docstring has, each with the words to write."""
    text = " ".join(sentence.split())
    return [
        f"{found[0]!r}: write {words}"
        for pattern, words in PRIVATE.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring, and of every block of comments that stand on lines below each other."""
    block, first, last = "", 0, -1
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("#: ")
            if token.start[0] == last + 1:
                block, last = f"{block} {text}", token.start[0]
            else:
                if block:
                    yield first, block
                block, first, last = text, token.start[0], token.start[0]
            continue
        begins = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL)
        if token.type == tokenize.STRING and begins and token.string.lstrip("rR").startswith('"""'):
            yield token.start[0], token.string.lstrip("rR").strip('"')
        before = token.type
    if block:
        yield first, block


def files_of(place: str) -> list[Path]:
    path = REPOSITORY / place
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("place", DONE)
def test_comments_and_docstrings_have_no_private_phrase(place: str) -> None:
    files = files_of(place)
    assert files, f"{place} is not there any more: correct DONE"
    found = [
        f"{file.relative_to(REPOSITORY)}:{line}: {phrase}"
        for file in files
        for line, text in comments(file.read_text(encoding="utf-8"))
        for phrase in private_phrases(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "sentence",
    [
        "So many X",
        "Begin at most so many messages a second.",
        "A message that the server still puts off (4xx)",
        "It puts most of our mail off.",
        "what was put off is tried again",
        "Why the connection must be given up",
        "nothing to give up with",
        "Ready to own up.",
        "Let\ngo of the claim",
        "What waits for quota",
        "The look ers' own pages: lookers",
        "A database that is away is waited for",
    ],
)
def test_a_private_phrase_is_found_also_across_lines(sentence: str) -> None:
    assert private_phrases(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Number of refusals after which the run ends.",
        "Messages deferred by the server (4xx).",
        "The rule is so much simpler.",
        "Giving upload a name",
        "Seconds between two polls.",
    ],
)
def test_a_plain_sentence_passes(sentence: str) -> None:
    assert not private_phrases(sentence)


def test_blocks_of_comments_are_read_as_one_text() -> None:
    source = '"""What\nwaits."""\nx = 1  # one\n#: So\n#: many.\ny = "text"\n\n\ndef f():\n    r"""Raw."""\n'
    assert sorted(comments(source)) == [(1, "What\nwaits."), (3, "one So many."), (10, "Raw.")]


def test_no_two_classes_have_one_name() -> None:
    """A private class (`_Rule`) may have the name of another module's: nobody else sees it."""
    modules: dict[str, list[str]] = {}
    for file in files_of("plugins/ses_ops"):
        for name in re.findall(r"^class ([A-Za-z]\w*)", file.read_text(encoding="utf-8"), flags=re.MULTILINE):
            modules.setdefault(name, []).append(str(file.relative_to(REPOSITORY)))
    assert {name: files for name, files in modules.items() if len(files) > 1} == {}
