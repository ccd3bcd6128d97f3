"""Forms and lists as every page uses them: no typed text is lost, and nothing odd in an address is an error."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from ses_ops.console.forms import LARGEST, WHOLE, Form, way_back
from ses_ops.console.language import language
from ses_ops.console.listing import Listing
from ses_ops.console.page import environment
from ses_ops.errors import InvalidInput, SesError, TemplateError

HOSTILE = "\"><script>alert('x')</script>"


def drawn(form: Form) -> str:
    source = '{% from "fields.html" import field, errors_of %}{{ errors_of(form) }}{{ field(form, "group", "Group") }}'
    return environment("en").from_string(source).render(form=form)


def test_an_error_of_the_domain_stands_beside_the_field_that_it_names():
    form = Form.of(group="nobody", template="hello")
    form.problem_of(language("en"), InvalidInput("there is no group 'nobody'", where="the form", field="group"))
    form.problem_of(language("en"), TemplateError("has no variable city", template="hello"))
    form.problem_of(language("en"), SesError("the moon is full"))
    assert form.errors["group"] == "There is no group 'nobody'"
    assert "has no variable city" in form.errors["template"]
    assert form.errors[WHOLE] == "The moon is full"


def test_an_error_of_a_field_that_the_form_has_not_stands_above_it():
    form = Form.of(first="x")
    form.problem_of(language("en"), InvalidInput("is odd", field="every"))
    form.problem_of(language("en"), InvalidInput("is late", field="start_at"), fields={"start_at": "start_date"})
    assert form.errors == {WHOLE: "Is odd", "start_date": "Is late"}


def test_a_field_shows_what_was_typed_and_tells_its_error_to_screen_readers():
    form = Form.of(group=HOSTILE)
    form.problem("group", "There is none.")
    html = drawn(form)
    assert "<script>" not in html
    assert 'value="&#34;&gt;&lt;script&gt;' in html
    assert 'aria-describedby="group-error"' in html
    assert 'aria-invalid="true"' in html
    assert '<p class="error" id="group-error">There is none.</p>' in html


def test_a_form_that_is_too_large_or_no_form_is_refused(world, user):
    world.seed("hello")
    assert user.post("/tasks/hello/pause", reason="x" * LARGEST).status_code == 413
    assert user.post("/tasks/hello/pause", headers={"Content-Type": "application/json"}).status_code == 415
    assert world.overview("hello").status == "waiting"


@pytest.mark.parametrize("back", ["/tasks?q=a%3Ab", "/groups/customers"])
def test_the_way_back_is_a_page_of_the_console(back):
    assert way_back(Form.of(back=back), "/") == back
    assert way_back(Form.of(back="https://evil.example"), "/") == "/"


def test_links_of_a_list_keep_what_is_set_and_leave_out_the_defaults():
    listing = Listing.read(
        QueryParams("q=a b&status=paused&sort=name&order=asc&page=3&size=50&other=x"),
        sorts=("created", "name"),
        filters={"status": ["paused"]},
        descending=True,
    )
    assert listing.query() == "?q=a+b&status=paused&sort=name&order=asc&size=50&page=3"
    assert listing.sorted_by("name").query() == "?q=a+b&status=paused&sort=name&order=desc&size=50"
    page = listing.cut(range(120))
    assert (page.first, page.last, page.total, page.pages, page.rows) == (101, 120, 120, 3, range(100, 120))
    assert Listing.read(QueryParams("page=²&size=-1&sort=x"), sorts=("a",)).query() == "?"
    assert Listing.read(QueryParams(""), sorts=("a",)).cut([]).first == 0
