"""Every variable of a template must be a column of the group; more columns are no mistake."""

from __future__ import annotations

import pytest

from ses_ops.domain.template_variables import check_variable_name, compare_variables, recipient_values, unused_columns
from ses_ops.errors import InvalidInput


def test_the_same_set_in_any_order_is_accepted() -> None:
    compare_variables({"name", "coupon"}, ["coupon", "name"])
    compare_variables([], [])


def test_more_columns_than_the_template_uses_are_allowed_and_can_be_named() -> None:
    compare_variables({"name"}, {"name", "shoe_size", "city"})
    compare_variables([], ["city"])
    assert unused_columns({"name", "prénom"}, ["city", "name", "pre\u0301nom", "shoe_size"]) == ["city", "shoe_size"]


def test_a_refusal_names_what_is_missing() -> None:
    with pytest.raises(InvalidInput) as refusal:
        compare_variables({"name", "coupon", "city"}, {"name", "shoe_size"})
    assert "needs city, coupon" in str(refusal.value)
    assert "shoe_size" not in str(refusal.value)


def test_only_missing_variables_are_named_when_none_is_unused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        compare_variables({"name"}, set())
    assert "needs name" in str(refusal.value)
    assert "does not use" not in str(refusal.value)


@pytest.mark.parametrize("name", ["", "first name", "1st", "a-b", "_private", "__a__", "true", "not", "loop", "a.b"])
def test_a_name_that_a_template_cannot_use_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a variable"):
        check_variable_name(name)


def test_the_unsubscribe_link_is_not_a_column() -> None:
    with pytest.raises(InvalidInput, match="fills it in itself"):
        compare_variables({"name"}, {"name", "unsubscribe_url"})


@pytest.mark.parametrize("name", ["name", "Name2", "vorname_ä", "class", "顧客"])
def test_an_identifier_is_a_variable(name: str) -> None:
    check_variable_name(name)


def test_names_that_differ_in_width_or_composition_are_one_variable() -> None:
    compare_variables({"name", "prénom"}, {"ｎａｍｅ", "pre\u0301nom"})
    with pytest.raises(InvalidInput, match="'name' and 'ｎａｍｅ', which are one variable"):
        compare_variables({"name"}, {"ｎａｍｅ", "name"})


def test_values_of_older_versions_are_found_by_the_name_that_a_template_knows() -> None:
    assert recipient_values({"ｎａｍｅ": "A", "pre\u0301nom": "B"}) == {"name": "A", "prénom": "B"}
    assert recipient_values({"ｎａｍｅ": "A", "name": "B"}) == {"name": "B"}
    plain = {"name": "A"}
    assert recipient_values(plain) is plain
