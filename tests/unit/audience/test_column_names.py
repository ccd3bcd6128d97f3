"""Columns whose names a template cannot write get one that it can; a person may choose another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.audience.column_names import fits, offered_name, read_mapping
from ses_ops.audience.csv.header import read_header
from ses_ops.errors import InvalidInput

_COLUMNS = st.text(st.sampled_from("aÄ1 _-.äß=/名😀'\""), min_size=1, max_size=12).filter(str.strip)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("First Name", "first_name"),
        ("first\u00a0name", "first_name"),
        ("Straße / Nr.", "straße_nr"),
        ("1st", "column_1st"),
        ("_private", "private"),
        ("ｉｆ", "column_if"),
        ("True", "column_true"),
        ("名前 (全角)", "名前_全角"),
        ("😀", "column"),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_name_that_a_template_cannot_write_is_offered_as_a_similar_one(written, name):
    assert offered_name(written) == name
    assert read_header(["email", written], where="f").variables == (name,)


@pytest.mark.parametrize("name", ["name", "Name2", "vorname_ä", "class", "顧客"])
def test_a_name_that_fits_stays_as_it_is(name):
    header = read_header(["email", name], where="f")
    assert header.variables == (name,)
    assert header.renamed == {}


def test_two_columns_never_get_the_same_name():
    header = read_header(["email", "first name", "First-Name", "first_name"], where="f")
    assert header.variables == ("first_name_2", "first_name_3", "first_name")
    assert header.renamed == {"first name": "first_name_2", "First-Name": "first_name_3"}


def test_a_person_can_choose_the_names_that_of_the_address_too():
    names = read_mapping(["First Name=vorname", "E-Mail-Adresse = address", ""])
    header = read_header(["First Name", "E-Mail-Adresse"], where="f", names=names)
    assert (header.variables, header.address) == (("vorname",), 1)
    assert header.renamed == {"First Name": "vorname"}


@pytest.mark.parametrize(
    ("columns", "name"), [(["Contact", "x"], "Contact"), (["E Mail", "x"], None), (["Email Address", "x"], None)]
)
def test_the_address_column_is_found_however_it_is_written(columns, name):
    assert read_header(columns, where="f", address_column=name).address == 0


@pytest.mark.parametrize("line", ["name", "=x", "a=", " = "])
def test_a_mapping_of_another_form_is_refused(line):
    with pytest.raises(InvalidInput, match="not of the form COLUMN=NAME"):
        read_mapping([line])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"Last Name": "last"}, "has no column 'Last Name'"),
        ({"name": "first name"}, "'first name' cannot be the name of a column"),
        ({"name": "if"}, "'if' cannot be the name"),
        ({"name": "unsubscribe_url"}, "cannot be the name"),
        ({"name": "city"}, "'name' \\(column 2\\), 'city' \\(column 3\\)"),
    ],
)
def test_a_chosen_name_that_cannot_be_is_refused(names, words):
    with pytest.raises(InvalidInput, match=words):
        read_header(["email", "name", "city"], where="f", names=names)


@given(st.lists(_COLUMNS, max_size=8, unique_by=lambda name: name.strip().casefold()))
def test_whatever_the_columns_are_called_their_variables_fit_and_are_different(columns):
    header = read_header(["email", *(f"{name}x" for name in columns)], where="f")
    assert all(map(fits, header.variables))
    assert len(set(header.variables)) == len(columns)


def test_our_own_columns_are_left_out_and_what_a_spreadsheet_adds_behind_them_too():
    header = read_header(["email", "name", "ses_reason", "", ""], where="f")
    assert (header.variables, header.own) == (("name",), ("email", "name"))
    with pytest.raises(InvalidInput, match="column 3 has no name"):
        read_header(["email", "name", ""], where="f")
