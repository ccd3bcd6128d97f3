"""Errors and stored reasons on Japanese pages: every code has its Japanese sentence, and no translation is idle."""

from __future__ import annotations

import re

import pytest

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.console.errors import marked, message_id, worded
from ses_ops.console.file_errors import _FAULTS
from ses_ops.console.language import catalog_files, language, read_catalog
from ses_ops.console.recognised_texts import FILES
from ses_ops.domain.template_variables import compare_variables
from ses_ops.error_sentences import places, sentences
from ses_ops.errors import Explanation, InvalidInput, NotFound, TemplateError
from tests.raised_codes import texts

JA, EN = language("ja"), language("en")
#: Codes that no page shows, and why.
NOT_ON_A_PAGE = {
    **dict.fromkeys(CsvFault, "the console has words of its own: file_errors"),
    **dict.fromkeys(("columns_missing", "columns_besides", "both"), "of a fault of a file"),
    "not_an_encoding": "the console looks at its field first",
    **dict.fromkeys(("not_a_port", "not_on_or_off"), "settings of make run, which has no page"),
    **dict.fromkeys(("not_a_mapping", "unknown_key", "unknown_key_meant"), "of a file"),
    **dict.fromkeys(("recipient_not_in_group", "sender_domain_not_known"), "of a command"),
    "not_an_installation_id": "the installation's id, which nobody types",
    **dict.fromkeys(("no_start_any_more", "run_of_earlier_task"), "in the log of a run"),
}
#: Ids that are put together of two texts, or stand in `console/errors.py`.
PUT_TOGETHER = (
    "assumed sent by a person",
    *("a loop runs away: more than", "%(link)s is not a link in printable ASCII; write its host"),
    *("'%(quoted)s'", "template %(template)s", "%(problem)s (line", "nothing can be sent from"),
)


def ids_of_codes() -> dict[str, str]:
    return {message_id(sentence): code for code, sentence in sentences().items()}


def test_the_sentence_of_every_code_is_in_japanese():
    missing = {
        code: id
        for id, code in ids_of_codes().items()
        if code not in NOT_ON_A_PAGE and re.search("[a-z]", re.sub(r"%\(\w+\)s", "", id)) and JA.gettext(id) == id
    }
    assert not missing, "write these into a sentences_*.po:\n" + "\n".join(missing.values())


def test_no_code_is_excused_that_nobody_has():
    assert not NOT_ON_A_PAGE.keys() - sentences().keys() - {CsvFault.UTF16}


@pytest.mark.parametrize("words", [EN, JA], ids=["en", "ja"])
def test_every_sentence_can_be_worded_with_any_facts(words):
    for code, sentence in sentences().items():
        texts = {one.name: 7 if one.format else "100%(x)s {}" for one in places(sentence)}
        assert worded(words, Explanation(code, **texts))
        assert "{" not in message_id(sentence).replace("{{", "").replace("{#", "").replace("{%", "") or "{" in sentence


def test_no_catalog_keeps_a_sentence_that_nobody_says():
    said = ids_of_codes()
    source = texts()
    idle = [
        message.id
        for file in catalog_files("ja")
        if file.name.startswith(FILES)
        for message in read_catalog(file, "ja")
        if isinstance(message.id, str)
        and message.id
        and message.id not in said
        # Those of libraries have a comment that says so.
        and not message.user_comments
        and not message.id.startswith(PUT_TOGETHER)
        and not any(_longest_text(message.id) in text for text in source)
    ]
    assert not idle


def _longest_text(id: str) -> str:
    return max(re.split(r"%\(\w+\)s", id), key=len).replace("%%", "%")


def test_every_fault_of_a_csv_file_has_words_of_its_own():
    assert set(_FAULTS) == set(CsvFault)


@pytest.mark.parametrize(
    ("said", "japanese"),
    [
        (NotFound("recipient group", "customers"), "「customers」という受信者グループはありません"),
        # An explanation in an explanation.
        (
            Explanation(
                "start_superseded",
                why=Explanation(
                    "start_missed",
                    moment="2026-12-01 09:00",
                    zone="UTC",
                    late="3 h 12 min",
                    grace="1 h",
                    task="template",
                ),
            ),
            "より新しい回が手動で開始されたため、この回の送信は取りやめました。2026-12-01 09:00 UTC の開始が 3 h 12 min"
            " 遅れ、許容範囲（start_grace）の 1 h を超えました",
        ),
        # A place before it.
        (
            TemplateError("values_missing", template="hello", part="body.html", names=["town", "name"]),
            "テンプレート「hello」（body.html）: town, name の値が指定されていません",
        ),
        # A field before it, a colon and a quotation mark in the value.
        (
            InvalidInput("expiry_has_passed", value="it's: late", field="start_at"),
            "start_at: 「it's: late」は過ぎています",
        ),
        # What the server said stays what it said.
        (
            Explanation(
                "first_messages_refused", server="mail.example.com:25", count=50, code=554, text="5.7.1 Relay denied"
            ),
            "mail.example.com:25: 最初の 50通がすべて拒否されました: 554 5.7.1 Relay denied。"
            "login、差出人、このサーバーで中継できる宛先を確認してください。すべてのメッセージは待機し、後で再試行されます",
        ),
        # Texts that have no code: what a library says, what became of one message, what nobody translated.
        ("'town' is undefined", "変数「town」の値がありません"),
        ("5.6.7 a non-ASCII address, and this server lacks SMTPUTF8", None),
        ("550 5.1.1 the user is missing", "550 5.1.1 the user is missing"),
    ],
)
def test_an_error_is_worded_in_the_language_of_the_reader(said, japanese):
    assert worded(JA, said) == japanese or (japanese is None and not worded(JA, said).isascii())
    assert worded(EN, said) == str(said)


@pytest.mark.parametrize(("template", "group"), [("name", ""), ("name", "city")], ids=["missing", "and unused"])
def test_variables_that_do_not_match_are_said_whole(template, group):
    with pytest.raises(InvalidInput) as problem:
        compare_variables(template.split(), group.split())
    whole = TemplateError("template_does_not_fit_group", template="t", group="customers", problem=problem.value)
    assert not re.search("[a-z]{3}", re.sub("variables|name|city|customers", "", worded(JA, whole)))


def test_what_nobody_translated_is_marked_as_english_and_stays_harmless():
    assert marked(JA, "550 <b>no</b>") == '<bdi lang="en">550 &lt;b&gt;no&lt;/b&gt;</bdi>'
    assert marked(JA, "電話で依頼") == "<bdi>電話で依頼</bdi>"
    assert marked(EN, "550 <b>no</b>") == "550 &lt;b&gt;no&lt;/b&gt;"
    assert "<b>" not in marked(JA, Explanation("task_being_sent", name="<b>"))
    assert "%(x)s" in worded(JA, Explanation("expiry_has_passed", value="100%(x)s")), "a value is never read as a place"


def test_no_text_takes_long_or_breaks_anything():
    hostile = (": " * 3_000, "template '" * 400, "not sent: " * 300, "x" * 100_000, "; " * 2_000, "'" * 4_000)
    for text in hostile:
        assert isinstance(worded(JA, text), str)
