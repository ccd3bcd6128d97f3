"""Texts as an array's literal are the texts that PostgreSQL reads."""

from __future__ import annotations

import psycopg2.extensions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.storage.ledger.batches import _text_array

TEXTS = st.lists(st.text(st.sampled_from("a\"\\,{}'% \n\té;"), max_size=6) | st.sampled_from(["", "NULL", "null"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS)
def test_any_texts_come_back(texts: list[str], ses_conn: psycopg2.extensions.connection) -> None:
    with ses_conn.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", (_text_array(texts),))
        assert cursor.fetchone() == (texts,)
