"""The laws of tokens: what goes in comes out, and nothing else opens one."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.message_event import MessageKey
from ses_ops.events.tokens import (
    LENGTH,
    MAX_EXTRA,
    MAX_OCCURRENCE,
    SECRET_SIZE,
    Purpose,
    TokenMaker,
    TokenReader,
    address_check,
)

SECRET, OTHER = b"s" * SECRET_SIZE, b"o" * SECRET_SIZE
keys = st.builds(
    MessageKey,
    occurrence_id=st.integers(0, MAX_OCCURRENCE),
    seq=st.integers(0, 2**32 - 1),
    address_check=st.integers(0, 2**32 - 1),
)
extras = st.integers(0, MAX_EXTRA)
purposes = st.sampled_from(list(Purpose))
secrets = st.binary(min_size=SECRET_SIZE, max_size=80)


def made(key: MessageKey, extra: int = 0, *, purpose: Purpose = Purpose.BOUNCE, secret: bytes = SECRET) -> str:
    return TokenMaker(secret, purpose).make(key.occurrence_id, key.seq, key.address_check, extra)


def read(token: str, *, purpose: Purpose = Purpose.BOUNCE, secret: bytes = SECRET):
    return TokenReader([secret], purpose).read(token)


@given(keys, extras, purposes, secrets)
def test_what_goes_in_comes_out(key, extra, purpose, secret):
    assert read(made(key, extra, purpose=purpose, secret=secret), purpose=purpose, secret=secret) == (key, extra)


@given(keys, extras)
def test_a_maker_of_one_occurrence_makes_the_same_tokens(key, extra):
    make = TokenMaker(SECRET, Purpose.BOUNCE).maker_of(key.occurrence_id, extra)
    assert make(key.seq, key.address_check) == made(key, extra)


@given(keys, st.integers(0, LENGTH - 1), st.integers(1, 15))
def test_a_token_with_one_altered_digit_is_none(key, place, change):
    token = made(key)
    altered = f"{int(token[place], 16) ^ change:x}"
    assert read(token[:place] + altered + token[place + 1 :]) is None


@given(keys, purposes, purposes)
def test_a_token_is_worth_nothing_for_another_purpose(key, purpose, other):
    assert (read(made(key, purpose=purpose), purpose=other) is None) is (purpose is not other)


@given(keys, secrets, secrets)
def test_a_token_of_another_installation_is_none(key, secret, other):
    # The key of BLAKE2b has 64 octets.
    assert (read(made(key, secret=secret), secret=other) is None) is (secret[:64] != other[:64])


@given(keys)
def test_a_server_may_change_the_case(key):
    assert read(made(key).upper()) == (key, 0)


@given(keys)
def test_a_token_reads_the_same_before_and_after_quoted_printable(key):
    token = made(key)
    for damaged in (quopri.encodestring(token.encode()), token.encode()):
        assert quopri.decodestring(damaged).decode() == token


@given(keys, keys)
def test_tokens_of_two_messages_have_nothing_in_common(one, other):
    first, second = made(one), made(other)
    if one == other:
        assert first == second
    else:
        # Neither the cipher nor the MAC of one says anything of the other's.
        assert first[:32] != second[:32]
        assert first[32:] != second[32:]


@given(st.text(max_size=80) | st.text("0123456789abcdefABCDEF \n", min_size=LENGTH, max_size=LENGTH))
def test_anything_else_is_none(text):
    assert read(text) is None


@pytest.mark.parametrize("change", ["0", " ", "\n", "=", "3D"])
def test_a_token_with_something_behind_it_is_none(change):
    token = made(MessageKey(occurrence_id=1, seq=1, address_check=1))
    assert read(token + change) is None
    assert read(token[: -len(change)] + change) is None or change in "03D"


def test_after_a_rotation_old_and_new_tokens_are_read():
    key = MessageKey(occurrence_id=5, seq=6, address_check=address_check("ann@example.com"))
    reader = TokenReader([OTHER, SECRET], Purpose.UNSUBSCRIBE)
    for secret in (SECRET, OTHER):
        assert reader.read(made(key, 2, purpose=Purpose.UNSUBSCRIBE, secret=secret)) == (key, 2)
    assert TokenReader([OTHER], Purpose.UNSUBSCRIBE).read(made(key, purpose=Purpose.UNSUBSCRIBE)) is None


def test_a_token_stands_in_a_local_part_with_its_prefix():
    assert len("b-") + LENGTH <= 64


@pytest.mark.parametrize(("occurrence_id", "extra"), [(MAX_OCCURRENCE + 1, 0), (-1, 0), (1, MAX_EXTRA + 1), (1, -1)])
def test_what_has_no_place_in_a_token_is_refused(occurrence_id, extra):
    maker = TokenMaker(SECRET, Purpose.BOUNCE)
    with pytest.raises(ValueError, match="no token"):
        maker.make(occurrence_id, 1, 1, extra)
    with pytest.raises(ValueError, match="no token"):
        maker.maker_of(occurrence_id, extra)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32 octets"):
        TokenMaker(b"short", Purpose.BOUNCE)
