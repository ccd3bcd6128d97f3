"""A repeated request has the first answer from memory, for a moment, and only if it is the same request."""

from __future__ import annotations

from ses_ops.api import known_answers
from ses_ops.api.known_answers import KnownAnswers


def known(answers, key="order", fingerprint=b"f", key_id="AKID"):
    found = answers.find(key_id, key, fingerprint)
    return found and (found.status, found.id, found.body)


def test_only_an_equal_request_of_the_same_key_is_answered():
    answers = KnownAnswers()
    answers.add("AKID", "order", b"f", status=202, id="1", body=b"{}")
    assert known(answers) == (202, "1", b"{}")
    assert known(answers, fingerprint=b"g") is None
    assert known(answers, key="other") is None
    assert known(answers, key_id="AKID2") is None


def test_an_answer_is_known_for_a_moment(monkeypatch):
    answers = KnownAnswers()
    monkeypatch.setattr(known_answers, "KNOWN_FOR", -1)
    answers.add("AKID", "order", b"f", status=202, id="1", body=b"{}")
    assert known(answers) is None


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(known_answers, "MOST_KNOWN", 2)
    answers = KnownAnswers()
    for name in ("1", "2", "1", "3"):
        answers.add("AKID", name, b"f", status=202, id=name, body=b"{}")
    assert [known(answers, name) is not None for name in ("1", "2", "3")] == [True, False, True]


def test_long_answers_take_no_memory():
    answers = KnownAnswers()
    answers.add("AKID", "order", b"f", status=202, id="1", body=b"x" * (known_answers.MOST_OCTETS + 1))
    assert known(answers) is None
