"""Errors and stored reasons on Japanese pages: every sentence of the source has its Japanese, and is found again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.console.import_words import _FAULTS
from ses_ops.console.language import catalog_files, language, read_catalog
from ses_ops.console.sentences import FILES, NESTED, marked, read, said, sentences
from ses_ops.domain.template_variables import compare_variables
from ses_ops.errors import InvalidInput
from tests.console.raised_sentences import Site, sites

JA, EN = language("ja"), language("en")
#: Stands for a value; no sentence has it.
VALUE = "7"

#: Sentences that no page shows, by the file where they stand: why, and how they are known.
NOT_ON_A_PAGE: dict[str, tuple[str, tuple[str, ...]]] = {
    "audience/csv/formats.py": (
        "BadCsv: the console words its fault",
        ("a workbook of", "is compressed", "is no CSV file"),
    ),
    "audience/csv/encoding.py": (
        "BadCsv: the console words its fault",
        ("is not UTF-8 (line", "is written in", "or it is damaged"),
    ),
    "audience/csv/encoding_signs.py": ("the console looks at its field first", ("is not an encoding",)),
    "audience/csv/reader.py": ("BadCsv: the console words its fault", ("the file is empty;",)),
    "audience/csv/header.py": (
        "BadCsv: the console words its fault",
        (
            *("the header", "there is no header:", "has no column ", "no column is named"),
            "could each hold the address",
        ),
    ),
    "audience/column_names.py": (
        "BadCsv: the console words its fault",
        ("the header's column", "to be named", "be the name of a column"),
    ),
    "audience/workbook/package.py": ("BadCsv: the console words its fault", ("is a workbook",)),
    "audience/workbook/reader.py": (
        "BadCsv: the console words its fault",
        ("the file is empty;", "has no sheet", "is an .xlsx file"),
    ),
    "audience/recipient_file.py": ("BadCsv: the console words its fault", ("is an .xlsx file",)),
    "console/groups/preview.py": ("BadCsv: the console words its fault", ("is too large",)),
    "application/group_import.py": (
        "BadCsv: the console words its fault",
        ("--strict", "has other columns"),
    ),
    "audience/import_outcome.py": ("BadCsv: the console words its fault", ("has a header", "none of its")),
    "console/uploads/multipart_form.py": ("BadCsv: the console words its fault", ("the file is larger than",)),
    "domain/send_task.py": ("only a file can be like that", ("must be a mapping", "unsubscribe page", "unknown key;")),
    "settings.py": ("settings of make run, which has no page", ("neither on nor off", "is not a port")),
    "rendering/message.py": ("the installation's id, which nobody types", ("it must have 1-64 letters",)),
    "console/suppression/list.py": ("a state of the list, with a label", ("manual",)),
}
#: What an error hands on: the sentence of another, which is collected where it is made, or a library's.
HANDED_ON = {
    "message": "of whoever calls",
    "problem.problem": "of a connection, with its place named",
    "harm[1]": "audience/csv/lines.py: damage",
    "reason": "audience/csv/reader.py: _unreadable",
    "f'{says}{place}'": "Jinja2's words",
    "str(error).rstrip('.')": "email-validator's words",
    "str(error).removeprefix('sender: ')": "domain/address.py: parse_sender",
    "f'{self._settings.address}: {reason}'": "why the connection was lost",
    "f'{self.address}: {during}: {self.lost}'": "why the connection was lost",
    "f'{stream.address}: {stream.lost}'": "why the connection was lost",
    "name": "of a group",
    "order.group": "of a group",
    "plan.domain": "of a sender domain",
    "task.name": "of a task",
}
#: Put together where the collector cannot see it; the test that names them makes them for real.
PUT_TOGETHER = (
    "'%(quoted)s'",
    "the login %(login)s was refused",
    "the run was ended",
    "template %(template)s",
    "is not a text",
    "a loop runs away",
)


@cache
def all_sites() -> tuple[Site, ...]:
    return tuple(sites())


def every_site() -> list[Site]:
    return [one for one in all_sites() if one.says_something]


def on_a_page(site: Site) -> bool:
    _, parts = NOT_ON_A_PAGE.get(site.place.partition(":")[0], ("", ()))
    return not any(part in site.filled(VALUE) for part in parts)


def english_in(text: str) -> Iterator[str]:
    """What of a sentence has no Japanese."""
    found = read(text, sentences("ja"))
    if found is not None:
        for name, fact in found[1].items():
            if name in NESTED:
                yield from english_in(fact)
            elif re.search("[a-z]{2}", fact):  # one letter is a unit
                yield fact
        return
    place, colon, rest = text.partition(": ")
    if colon:
        yield from english_in(place)
        yield from english_in(rest)
    elif re.search("[a-z]", text):
        yield text


def test_every_sentence_that_can_reach_a_page_is_in_japanese():
    missing = {
        site.filled("%s"): f"{site.place}: {left}"
        for site in every_site()
        if on_a_page(site) and (left := list(english_in(site.filled(VALUE))))
    }
    assert not missing, "write these into a sentences_*.po:\n" + "\n".join(f"{a}   {b}" for a, b in missing.items())


def test_every_sentence_can_be_said_with_any_values():
    for site in every_site():
        said(JA, site.filled("100%(x)s {}"))


def test_no_error_is_raised_with_a_sentence_that_cannot_be_read_in_the_source():
    unseen = {site.code: site.place for site in all_sites() if site.raised and not site.says_something}
    assert not {code: place for code, place in unseen.items() if code not in HANDED_ON}
    assert not [code for code in HANDED_ON if code not in unseen], "handed on by nobody any more"


def test_no_catalog_keeps_a_sentence_that_nobody_says():
    said_somewhere = {
        found[0].id
        for site in every_site()
        for text in (site.filled(VALUE), site.filled(VALUE).partition(": ")[2])
        for found in [read(text, sentences("ja")), read(text.partition(": ")[2], sentences("ja"))]
        if found
    }
    idle = [
        message.id
        for file in catalog_files("ja")
        if file.name.startswith(FILES)
        for message in read_catalog(file, "ja")
        if message.id
        and message.id not in said_somewhere
        # Those of libraries have a comment that says so.
        and not message.user_comments
        and not message.id.startswith(PUT_TOGETHER)  # type: ignore[union-attr]
    ]
    assert not idle


def test_every_fault_of_a_csv_file_has_words_of_its_own():
    assert set(_FAULTS) == set(CsvFault)


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        # A value, a kind of thing, a hint.
        (
            "there is no recipient group named 'customers'; `ses group list` shows them all",
            "「customers」という受信者グループはありません。コマンド `ses group list` ですべて確認できます",
        ),
        # A sentence in a sentence, in a third; the name of a task is no sentence.
        (
            "given up for the newer one that a person started; its start at 2026-12-01 09:00 UTC was missed by"
            " 3 h 12 min, more than start_grace 1 h; `ses task resume template` or a trigger by hand sends it",
            "より新しい回が手動で開始されたため、この回の送信は取りやめました。2026-12-01 09:00 UTC の開始が 3 h 12 min"
            " 遅れ、許容範囲（start_grace）の 1 h を超えました。再開するか、DAG を手動でトリガーすると送信されます"
            "（コマンドでは `ses task resume template`）",
        ),
        # A place before it, which has a name of its own.
        (
            "template 'hello' (body.html): 'town' is undefined (line 3 of base.html)",
            "テンプレート「hello」（body.html）: 変数「town」の値がありません（base.html の3行目）",
        ),
        # A field before it, a colon and a quotation mark in the value.
        ('start_at: "it\'s: late" has passed', "start_at: 「it's: late」は過ぎています"),
        # What the server said stays what it said.
        (
            "mail.example.com:25: refused the first 50 messages: 554 5.7.1 Relay access denied: nobody;"
            " check login, sender and what this server may relay; all messages wait, and are tried again later",
            "mail.example.com:25: 最初の 50通がすべて拒否されました: 554 5.7.1 Relay access denied: nobody。"
            "login、差出人、このサーバーで中継できる宛先を確認してください。すべてのメッセージは待機し、後で再試行されます",
        ),
        ("550 5.1.1 the user is missing", "550 5.1.1 the user is missing"),
        ("paused by ann: the template needs work", "ann が一時停止しました: the template needs work"),
    ],
)
def test_a_sentence_is_found_again_with_its_values(english, japanese):
    assert said(JA, english) == japanese
    assert said(EN, english) == english


@pytest.mark.parametrize(("template", "group"), [("name", ""), ("name", "city")], ids=["missing", "and unused"])
def test_variables_that_do_not_match_are_said_whole(template, group):
    with pytest.raises(InvalidInput) as problem:
        compare_variables(template.split(), group.split())
    sentence = str(problem.value).removeprefix("variables: ")
    for text in (sentence, f"its {sentence} (recipient group 'customers')"):
        assert not list(english_in(text.replace("name", VALUE).replace("city", VALUE).replace("customers", VALUE)))


def test_what_nobody_translated_is_marked_as_english_and_stays_harmless():
    assert marked(JA, "550 <b>no</b>") == '<bdi lang="en">550 &lt;b&gt;no&lt;/b&gt;</bdi>'
    assert marked(JA, "電話で依頼") == "<bdi>電話で依頼</bdi>"
    assert marked(EN, "550 <b>no</b>") == "550 &lt;b&gt;no&lt;/b&gt;"
    assert "<b>" not in marked(JA, "send task '<b>' is being sent; try again when it is done")
    assert "%" in said(JA, "'100%(x)s' has passed"), "a value is never read as a place"


def test_no_text_takes_long_or_breaks_anything():
    hostile = (": " * 3_000, "template '" * 400, "not sent: " * 300, "x" * 100_000, "; " * 2_000, "'" * 4_000)
    for text in hostile:
        assert isinstance(said(JA, text), str)
