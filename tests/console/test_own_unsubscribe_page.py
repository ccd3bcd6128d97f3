"""The field `unsubscribe` in the console: form, review, preview, test send, task page, edit."""

from __future__ import annotations

import re

import pytest

from ses_ops.domain.unsubscribe_language import LANGUAGES
from tests.console.console_world import visible_text
from tests.console.test_edit_task_page import opened
from tests.console.test_new_task_page import FORM, JAPANESE, error, told, value  # noqa: F401
from tests.console.test_review_of_task import tests  # noqa: F401

PAGE = "https://mail.example.com/u/"


@pytest.fixture
def ready(world, monkeypatch):
    monkeypatch.setenv("SES_PUBLIC_URL", "https://mail.example.com")
    world.group("customers", 3)
    return world


def test_the_form_offers_each_language_by_its_own_name(ready, user):
    page = user.get("/new-task").text
    select = re.search(r'<select id="unsubscribe".*?</select>', page, re.DOTALL)[0]
    assert re.findall(r'<option value="([^"]*)"', select) == [one.value for one in LANGUAGES]
    assert "العربية" in select
    assert value(page, "unsubscribe") == "none"


def test_the_review_shows_the_page_and_the_footer_in_the_mail(ready, user):
    page = user.post("/new-task/review", **{**FORM, "unsubscribe": "de"}).text
    text = visible_text(page)
    assert "Unsubscribe page the one of ses-ops, in Deutsch" in text
    assert "Sie erhalten diese E-Mail, weil Ihre Adresse in unserer Liste steht." in text
    assert f"Abmelden: {PAGE}{'0' * 56}" in text
    frame = re.search(r'src="/ses(/new-task/mail\?[^"]*)"', page)[1].replace("&amp;", "&")
    mail = user.get(frame).text
    assert f'href="{PAGE}{"0" * 56}"' in mail.replace("&#34;", '"')
    assert "Abmelden" in mail


def test_both_at_once_are_refused_beside_the_field(ready, user):
    both = {**FORM, "unsubscribe": "en", "unsubscribe_url": "https://x.example/u"}
    answer = user.post("/new-task/review", **both)
    assert answer.status_code == 422
    assert "not both" in error(answer.text, "unsubscribe")
    assert value(answer.text, "unsubscribe") == "en"
    japanese = user.post("/new-task/review", headers=JAPANESE, **both)
    assert re.search(r"[ぁ-ん]", error(japanese.text, "unsubscribe"))


def test_without_a_public_address_the_field_says_what_to_set(ready, user, monkeypatch):
    monkeypatch.delenv("SES_PUBLIC_URL")
    answer = user.post("/new-task/review", **{**FORM, "unsubscribe": "en"})
    assert answer.status_code == 422
    assert "SES_PUBLIC_URL" in error(answer.text, "unsubscribe")
    assert not ready.rows("SELECT 1 FROM send_task")


def test_a_template_that_shows_the_link_is_served_by_the_page(ready, user):
    (ready.templates / "hello" / "body.html").write_text("<p>{{ name }}</p>\n<a href='{{ unsubscribe_url }}'>x</a>")
    assert user.post("/new-task/review", **FORM).status_code == 422
    review = user.post("/new-task/review", **{**FORM, "unsubscribe": "en"})
    assert review.status_code == 200
    assert "You receive this mail because" not in review.text


def test_the_test_send_has_the_page_too(ready, user, tests):  # noqa: F811
    answer = user.post("/new-task/test", **{**FORM, "unsubscribe": "ja"}, test_recipients="me@example.com")
    assert answer.status_code == 200
    (order,) = tests
    assert (order.unsubscribe, order.unsubscribe_url) == ("ja", None)


def test_the_task_page_the_edit_and_the_editions_show_it(ready, user, told):  # noqa: F811
    form = {**FORM, "type": "scheduled", "start_at": "2099-03-28T09:00", "unsubscribe": "ar"}
    assert user.post("/new-task", **form).status_code == 303
    assert ready.rows("SELECT unsubscribe, unsubscribe_url FROM send_task") == [("ar", None)]
    assert "Unsubscribe page the one of ses-ops, in العربية" in visible_text(user.get("/tasks/spring-sale").text)
    edit = opened(user, "spring-sale")
    assert edit["unsubscribe"] == "ar"
    ready.execute("INSERT INTO occurrence (task_id, key, run_id) SELECT id, 'first', 'run' FROM send_task")
    review = user.post("/tasks/spring-sale/edit/review", **{**edit, "unsubscribe": "th"})
    assert "ไทย" in visible_text(review.text)
    assert user.post("/tasks/spring-sale/edit", **{**edit, "unsubscribe": "th"}).status_code == 303
    assert ready.rows("SELECT unsubscribe FROM send_task") == [("th",)]
    assert ready.rows("SELECT unsubscribe FROM former_edition") == [("ar",)]
    assert "العربية" in visible_text(user.get("/tasks/spring-sale").text)


def test_a_clone_has_the_language_of_its_model(ready, user, told):  # noqa: F811
    ready.seed("model", type="scheduled", start_at="2099-01-01 09:00", unsubscribe="vi")
    assert value(user.get("/new-task?clone=model").text, "unsubscribe") == "vi"
