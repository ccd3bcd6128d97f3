"""A posted form with a file, read as it comes: nothing depends on where the network cut it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.console.uploads.multipart_form import LARGEST_TEXTS, MOST_TEXTS, MultipartForm
from ses_ops.errors import BadCsv, ImportStopped, InvalidInput

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, content: bytes, file_name: str | None = None) -> bytes:
    file = f'; filename="{file_name}"\r\nContent-Type: text/csv' if file_name is not None else ""
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def form(data: bytes, *, cut: int = 7, largest: int = 1000) -> MultipartForm:
    return MultipartForm(TYPE, (data[at : at + cut] for at in range(0, len(data), cut)), largest_file=largest)


@given(st.binary(max_size=300), st.integers(1, 400))
def test_texts_and_file_arrive_wherever_the_body_is_cut(content, cut):
    content = content.replace(b"--xyz", b"--xy")
    read = form(body(part("name", "名前".encode()), part("file", content, "a.csv")), cut=cut)
    assert (read.texts, read.file_name) == ({"name": ["名前"]}, "a.csv")
    assert b"".join(read.blocks()) == content


@pytest.mark.parametrize("missing", [1, 4, 9, 20])
def test_a_form_that_ends_too_early_is_not_taken_for_a_whole_one(missing):
    with pytest.raises(ImportStopped):
        list(form(body(part("file", b"email\na@b.example\n", "a.csv"))[: -missing - 2]).blocks())


def test_a_form_without_a_chosen_file_has_none():
    assert form(body(part("name", b"x"), part("file", b"", ""))).file_name is None
    assert form(body(part("name", b"x"))).file_name is None


def test_a_file_that_is_too_large_is_refused_while_it_comes():
    with pytest.raises(BadCsv, match="larger than 1,000 bytes"):
        list(form(body(part("file", b"x" * 1001, "a.csv"))).blocks())
    assert len(b"".join(form(body(part("file", b"x" * 1000, "a.csv"))).blocks())) == 1000


@pytest.mark.parametrize(
    "data",
    [
        body(part("name", b"x" * (LARGEST_TEXTS + 1))),
        body(*(part(f"n{number}", b"") for number in range(MOST_TEXTS + 1))),
        b"nonsense",
        b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n' + b"x" * 9000,
    ],
)
def test_what_no_page_of_ours_sends_is_refused(data):
    with pytest.raises(InvalidInput):
        form(data, cut=4096)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data", f"multipart/form-data; boundary={'x' * 999}"]
)
def test_another_kind_of_content_is_refused(kind):
    with pytest.raises(InvalidInput):
        MultipartForm(kind, iter([b""]), largest_file=1)


def test_a_second_file_and_texts_behind_the_file_are_left_aside():
    read = form(body(part("file", b"one", "1.csv"), part("late", b"x"), part("file", b"two", "2.csv")))
    assert b"".join(read.blocks()) == b"one"
    assert (read.file_name, read.texts) == ("1.csv", {})
