"""Every code of an error has its English sentence, every sentence is said, and its facts are those of its places."""

from __future__ import annotations

import json
import pickle
import re

import pytest

from ses_ops.cli.hints import HINTS
from ses_ops.error_sentences import NOUNS, Place, english, places, sentences
from ses_ops.errors import PLACES, Explanation, GroupBusy, InvalidInput, NotFound, QuotaError, TemplateError
from tests.raised_codes import FACES, of_statements, sites, texts, trees

CODE = re.compile(r"[a-z][a-z0-9_]*")
#: Said before or behind any sentence.
EVERYWHERE = frozenset({*PLACES, "in_line", "in_file"})
#: Codes that are put together from two words.
PUT_TOGETHER = re.compile(r"(first|last)_messages_|one_field|wrong_number_of_fields|_not_found$")
#: The end of an error's sentence: a command of ours.
COMMAND = re.compile(r"`?\bses [a-z]+(-[a-z]+)?\b.*`|`make |--[a-z]+-?[a-z]+")


def below_the_faces() -> list:
    return [one for one in sites() if not one.place.startswith(FACES)]


def test_every_code_has_a_sentence():
    coded = [one for one in below_the_faces() if CODE.fullmatch(one.code)]
    assert not {one.code: one.place for one in coded if one.code not in sentences()}


def test_no_error_below_the_faces_has_a_sentence_in_the_place_of_its_code():
    assert not [
        (one.place, one.code)
        for one in below_the_faces()
        if not CODE.fullmatch(one.code) and not one.code.startswith("f'")
    ]


def test_no_sentence_is_idle():
    said = {one.code for one in sites()} | texts() | of_statements()
    assert not {code for code in sentences() if code not in said and not PUT_TOGETHER.search(code)}


def test_a_code_stands_in_one_table_and_a_sentence_has_one_code():
    tables = [code for noun in NOUNS for code in _table(noun)]
    assert len(tables) == len(set(tables)) == len(sentences())
    assert all(CODE.fullmatch(code) for code in tables)
    by_text: dict[str, list[str]] = {}
    for code, sentence in sentences().items():
        if places(sentence) != (Place("says", False, ""),):  # the words of a library
            by_text.setdefault(sentence, []).append(code)
    assert not [codes for codes in by_text.values() if len(codes) > 1]


def test_the_facts_of_a_code_are_the_places_of_its_sentence():
    wrong = {}
    for one in sites():
        if one.code not in sentences():
            continue
        wanted = {place.name for place in places(sentences()[one.code])}
        hinted = {place.name for place in places(HINTS.get(one.code, ""))}
        missing = set() if one.open else wanted - one.facts
        idle = one.facts - wanted - hinted - EVERYWHERE
        if missing - {"field", "where"} or (idle and one.code not in WITH_MORE):
            wrong[one.place] = (one.code, sorted(missing), sorted(idle))
    assert not wrong


#: Codes with facts that only a program, or the console, is told.
WITH_MORE = frozenset(
    {
        "bad_variable",
        "reserved_variable",
        "no_address_column",
        "several_address_columns",
        "other_columns",
        "other_delimiter",
        "start_missed",
        "group_busy",
        "group_busy_by",
    }
)


def test_a_fact_is_quoted_in_all_places_of_a_sentence_or_in_none():
    for code, sentence in sentences().items():
        kinds = {(place.name, place.quoted) for place in places(sentence)}
        assert len(kinds) == len({name for name, _ in kinds}), code


def test_no_command_is_named_below_the_command_line():
    assert not [code for code, sentence in sentences().items() if COMMAND.search(sentence)]
    found = [
        (name, text)
        for name in trees()
        if not name.startswith(FACES)
        for text in _sentences_of(name)
        if re.search(r"`ses [a-z]", text)
    ]
    assert not found


def test_a_hint_is_of_a_code_and_has_its_facts():
    facts = {one.code: one.facts for one in sites()}
    for code, hint in HINTS.items():
        assert code in sentences()
        wanted = {place.name for place in places(hint)}
        assert wanted <= facts.get(code, set()) | {place.name for place in places(sentences()[code])}, code


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (InvalidInput("field_missing", where="a.yaml", field="name"), "a.yaml: name: is missing"),
        (InvalidInput("field_missing", field="name", in_line=3), "name: is missing (line 3)"),
        (
            TemplateError("values_missing", template="t", part="body", names=["a", "b"]),
            "template 't' (body): no value given for a, b",
        ),
        (
            QuotaError("quota_plan_not_valid", domain="a.example", field="plan", value=[1, "x"]),
            'nothing can be sent from \'a.example\': plan: must be "standard", "reputation" or a list of messages a '
            "day, such as [500, 1000], not [1, 'x']",
        ),
        (NotFound("send task", "x"), "there is no send task named 'x'"),
        (GroupBusy("g", by="ann"), "ann is importing a file into 'g' now; try again when that is done"),
        (InvalidInput("a sentence of a face's own with {braces}"), "a sentence of a face's own with {braces}"),
        (
            Explanation("not_an_address", address="a", why=Explanation("domain_empty")),
            "'a' is not an address: nothing stands after the @",
        ),
    ],
)
def test_an_error_is_its_sentence(problem, text):
    assert str(problem) == text


def test_facts_survive_the_database_and_another_process():
    inner = InvalidInput("not_a_domain", domain="x\x00\ud800", why=Explanation("domain_empty"))
    outer = TemplateError("template_does_not_fit_group", template="t", group="g", problem=inner)
    stored = json.loads(json.dumps(outer.explanation.stored))
    assert "\\u0000" not in json.dumps(stored), "PostgreSQL has no NUL"
    assert Explanation.read(outer.code, stored).stored == stored
    again = pickle.loads(pickle.dumps(outer))
    assert (str(again), again.code, again.facts, again.template) == (str(outer), outer.code, outer.facts, "t")
    assert english("a code of a later version", {"where": "x"}) == "x: a code of a later version"


def _table(noun: str) -> dict[str, str]:
    from importlib import import_module

    return import_module(f"ses_ops.error_sentences.{noun}").SENTENCES


def _sentences_of(name: str) -> list[str]:
    """The texts of a module that are no docstrings."""
    import ast

    tree = trees()[name]
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
