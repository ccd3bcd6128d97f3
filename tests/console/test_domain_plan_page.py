"""The form of a sender domain's warm-up plan: it writes the Airflow Variable, which stays the truth."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet

from ses_ops.application.airflow_copy import AirflowCopy
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.errors import Explanation
from ses_ops.storage.connection import transaction
from ses_ops.storage.reputation import states
from tests.console.console_world import client as make_client
from tests.console.console_world import visible_text
from tests.integration.sending_world import DOMAIN, MORNING, quota

VARIABLE = "AIRFLOW_VAR_SES_WARMUP_QUOTA"
PATH = f"/domains/{DOMAIN}"
PLAN = {"plan": "own", "steps": "100 200 400", "started_on": "2026-01-01", "time_zone": "UTC", "step": "save"}
JAPANESE = {"Accept-Language": "ja,en;q=0.5"}


@pytest.fixture
def stored(world, monkeypatch):
    """The Variable in Airflow's database, with an entry of another domain that a person wrote in their own way."""
    monkeypatch.delenv(VARIABLE)
    write('{"other.example" : {"plan":[7] ,"started_on": "2026-01-01"},\n' + json.dumps(quota(1_000))[1:])
    world.seed("hello")
    return world


@pytest.fixture
def op(world):
    """May write Variables, and is no administrator."""
    yield from make_client(world.app, "op")


def write(text: str) -> None:
    from airflow.models.variable import Variable

    Variable.set("ses_warmup_quota", text)


def text_now() -> str:
    from airflow.models.variable import Variable

    return Variable.get("ses_warmup_quota")


def entry_now(domain: str = DOMAIN) -> dict:
    return json.loads(text_now())[domain]


def fields(client, path: str = PATH) -> dict[str, str]:
    """The form as the browser would send it."""
    html = client.get(path).text
    form = html[html.index('class="plan-form"') :]
    form = form[: form.index("</form>")]
    found = dict(re.findall(r'name="(\w+)" type="\w+" value="([^"]*)"', form))
    found |= dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    found["steps"] = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.DOTALL)[1]
    found["plan"] = re.search(r'<option value="(\w+)" selected>', form)[1]
    return {name: unescape(value) for name, value in found.items()}


def test_the_form_shows_the_entry_and_saving_it_unchanged_changes_nothing(stored, op):
    form = fields(op)
    own = quota(1_000)[DOMAIN]
    assert (form["plan"], form["steps"], form["started_on"]) == ("own", "1000", "2026-01-01")
    assert (form["time_zone"], form["daily_limit"], form["day_length"]) == (own["time_zone"], "", "PT24H")
    before = text_now()
    assert op.post(PATH, **form, step="save").status_code == 303
    assert text_now() == before


def test_saving_writes_the_entry_and_leaves_the_others_letter_by_letter(stored, op):
    answer = op.post(PATH, **{**fields(op), **PLAN, "daily_limit": "300", "day_length": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/ses{PATH}")
    assert entry_now() == {
        "plan": [100, 200, 400],
        "started_on": "2026-01-01",
        "time_zone": "UTC",
        "daily_limit": 300,
    }
    assert text_now().startswith('{"other.example" : {"plan":[7] ,"started_on": "2026-01-01"},\n')
    page = op.text(PATH)
    assert f"The plan of {DOMAIN} is saved" in page
    assert "300" in page
    assert "its own, 3 steps" in page


def test_the_share_of_single_messages_is_written_shown_again_and_stands_beside_what_is_left(stored, op):
    op.post(PATH, **{**fields(op), **PLAN, "trigger_share": "10"})
    assert entry_now()["trigger_share"] == 10
    assert fields(op)["trigger_share"] == "10"
    today = visible_text(op.get(PATH).text)
    assert "Set aside for single messages 40" in today
    assert "Left 360" in today
    op.post(PATH, **{**fields(op), **PLAN, "trigger_share": ""})
    assert "trigger_share" not in entry_now()
    assert "Set aside" not in visible_text(op.get(PATH).text)


def test_the_picture_of_the_coming_days_is_drawn_before_anything_is_written(stored, op):
    before = text_now()
    # In a zone where no quota day ends while the test runs.
    today = {"started_on": f"{datetime.now(ZoneInfo(MORNING)):%Y-%m-%d}", "time_zone": MORNING}
    form = {**fields(op), **PLAN, **today, "step": "preview", "day_length": ""}
    answer = op.post(PATH, **form)
    assert answer.status_code == 200
    preview = answer.text[answer.text.index('id="preview"') :]
    preview = preview[: preview.index("</form>")]
    assert preview.count('class="column') == 14
    numbers = re.findall(r'<td class="numbers">([\d,]+)</td><td class="numbers">([\d,]+)</td>', preview)
    assert [then for _, then in numbers] == ["100", "200", *["400"] * 12]
    assert {now for now, _ in numbers} == {"1,000"}
    assert "Today would be day 1 with 100 messages: 0 are used or reserved already, 100 would be left." in visible_text(
        preview
    )
    assert ">100 200 400</textarea>" in answer.text.replace("\n", ""), "what was typed is still there"
    assert text_now() == before
    assert stored.audit_log() == []


def test_a_warm_up_that_is_to_come_is_drawn_from_its_first_day(stored, op):
    answer = op.post(PATH, **{**fields(op), **PLAN, "step": "preview", "started_on": "2199-12-30", "day_length": ""})
    assert answer.status_code == 200
    assert "The warm-up begins" in visible_text(answer.text)
    assert '<time datetime="2199-12-30T00:00:00+00:00"' in answer.text


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"steps": ""}, "steps", "a list of whole numbers"),
        ({"steps": "100 many"}, "steps", "a list of whole numbers"),
        ({"steps": "100 0"}, "steps", "a list of whole numbers"),
        ({"steps": "9" * 9_000}, "steps", "a list of whole numbers"),
        ({"steps": "1 " * 1_001}, "steps", "At most 1,000 steps."),
        ({"started_on": ""}, "started_on", "Must be a date such as"),
        ({"started_on": "soon"}, "started_on", "Must be a date such as"),
        ({"started_on": "9999-12-31"}, "started_on", "Must be a date such as"),
        ({"time_zone": "Mars"}, "time_zone", "Must be the name of a time zone"),
        ({"daily_limit": "0"}, "daily_limit", "Must be a whole number of messages"),
        ({"trigger_share": "51"}, "trigger_share", "Must be a whole number of percent"),
        ({"daily_limit": "1e3"}, "daily_limit", "Must be a whole number of messages"),
        ({"day_length": "P9D"}, "day_length", "Must be a duration"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("step", ["save", "preview"])
def test_a_wrong_plan_is_told_beside_its_field_and_nothing_is_written(change, field, words, step, stored, op):
    before = text_now()
    answer = op.post(PATH, **{**fields(op), **PLAN, **change, "step": step})
    assert answer.status_code == 422
    error = re.search(rf'id="{field}-error">([^<]*)<', answer.text)
    assert error, visible_text(answer.text)
    assert words in unescape(error[1])
    assert text_now() == before
    assert stored.audit_log() == []


def test_an_entry_that_was_edited_elsewhere_meanwhile_is_told_and_not_overwritten(stored, op):
    form = {**fields(op), **PLAN}
    write(json.dumps(quota(55)))
    answer = op.post(PATH, **form)
    assert answer.status_code == 409
    text = visible_text(answer.text)
    assert f"the entry of '{DOMAIN}' was edited meanwhile" in text
    assert '"plan": [ 55 ]' in text, "the page shows it as it is now"
    assert ">100 200 400</textarea>" in answer.text.replace("\n", ""), "and what was typed is still there"
    assert entry_now()["plan"] == [55]
    (row,) = stored.audit_log()
    assert "edited meanwhile" in row["extra"]["refused"]
    assert "その間に編集されました" in op.post(PATH, headers=JAPANESE, **form).text
    again = unescape(re.search(r'name="seen" value="([^"]*)"', answer.text)[1])
    assert op.post(PATH, **{**form, "seen": again}).status_code == 303, "who has seen it may save all the same"
    assert entry_now()["plan"] == [100, 200, 400]


def test_an_edit_of_another_entry_meanwhile_is_kept(stored, op):
    form = {**fields(op), **PLAN}
    write(json.dumps({**quota(1_000), "new.example": {"plan": "standard", "started_on": "2026-02-02"}}))
    form["seen"] = fields(op)["seen"]
    assert op.post(PATH, **form).status_code == 303
    assert set(json.loads(text_now())) == {DOMAIN, "new.example"}


def test_two_who_save_at_once_lose_nothing(stored):
    import threading

    from ses_ops.domain.quota_text import entry_mark
    from ses_ops.errors import Conflict
    from ses_ops.orchestration.quota_variable import write_quota_entry

    mark = entry_mark(text_now(), DOMAIN)
    results: list[str] = []

    def save(number: int) -> None:
        entry = {"plan": [number], "started_on": "2026-01-01", "time_zone": "UTC"}
        try:
            write_quota_entry(DOMAIN, entry, seen=mark)
            results.append("saved")
        except Conflict:
            results.append("told")

    threads = [threading.Thread(target=save, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["saved", "told", "told", "told"]
    assert set(json.loads(text_now())) == {DOMAIN, "other.example"}


@pytest.mark.parametrize("person", ["viewer", "user"])
def test_only_who_may_write_variables_has_the_form(person, stored, request):
    client = request.getfixturevalue(person)
    page = client.get(PATH)
    assert "plan-form" not in page.text
    assert "Who changed it" not in page.text
    assert client.post(PATH, **PLAN).status_code == 403
    assert entry_now()["plan"] == [1_000]


def test_who_changed_what_stands_on_the_page(stored, op, admin, viewer):
    op.post(PATH, **{**fields(op), **PLAN, "day_length": ""})
    admin.post(PATH, **{**fields(admin), "daily_limit": "250", "step": "save"})
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Log(event="patch_variable", owner="ann", extra='{"key": "ses_warmup_quota", "val": "***"}'))
        session.add(Log(event="patch_variable", owner="eve", extra='{"key": "another", "val": "***"}'))
    text = admin.text(PATH)
    told = text[text.index("Who changed it") :]
    assert "ann edited the Variable in Airflow" in told
    assert "admin daily_limit – → 250" in told
    assert "op plan [1000] → [100, 200, 400]" in told
    assert "eve" not in told
    assert told.index("ann") < told.index("admin") < told.index("op plan"), "the newest first"
    rows = [(row["event"], row["owner"], row["extra"]["domain"]) for row in stored.audit_log()]
    assert rows == [("ses_change_quota", "op", DOMAIN), ("ses_change_quota", "admin", DOMAIN)]


def test_a_saved_plan_is_copied_for_processes_without_airflow(stored, op, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    assert op.post(PATH, **{**fields(op), "steps": "77", "step": "save"}).status_code == 303
    copy = AirflowCopy(stored.dsn)
    copy.read()
    copy.close()
    assert copy.plans()[DOMAIN].allotment(1) == 77


def test_a_domain_without_an_entry_gets_one(stored, op):
    stored.seed("elsewhere", sender="Other <news@missing.example>")
    path = "/domains/missing.example"
    assert "Make a plan" in op.text(path)
    form = fields(op, path)
    assert form["plan"] == "standard"
    assert op.post(path, **form, step="save").status_code == 303
    assert entry_now("missing.example") == {
        "plan": "standard",
        "started_on": form["started_on"],
        "time_zone": "UTC",
    }
    assert "500 left of" in op.text(path) or "left of" in op.text(path)


def test_the_first_plan_makes_the_variable(world, admin, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    world.seed("hello")
    assert admin.post(PATH, **fields(admin), step="save").status_code == 303
    assert set(json.loads(text_now())) == {DOMAIN}


def test_a_variable_that_is_no_json_is_mended_where_it_is(stored, admin):
    write("{")
    assert "plan-form" not in admin.get(PATH).text
    assert admin.post(PATH, **PLAN, seen="").status_code == 409
    assert text_now() == "{"


def test_what_the_environment_sets_is_not_written(world, admin):
    world.seed("hello")
    assert "plan-form" not in admin.get(PATH).text
    answer = admin.post(PATH, **PLAN)
    assert answer.status_code == 409
    assert "would have no effect" in visible_text(answer.text)
    assert world.audit_log() == []


def test_a_variable_of_a_secrets_backend_is_not_written(stored, admin, monkeypatch):
    from ses_ops.orchestration import control

    monkeypatch.setattr(control, "read_quota_variable", lambda: json.dumps(quota(9)))
    answer = admin.post(PATH, **{**fields(admin), **PLAN})
    assert answer.status_code == 409
    assert "a secrets backend sets it" in visible_text(answer.text)
    assert entry_now()["plan"] == [1_000]


def test_a_domain_that_no_task_uses_yet_gets_a_plan_first(stored, op, viewer):
    assert 'action="/ses/new-domain"' in op.get("/domains").text
    assert "/new-domain" not in viewer.get("/domains").text
    page = op.get("/new-domain?domain=Fresh.Example.")
    assert "data-live" not in page.text, "there is nothing to follow yet"
    form = fields(op, "/new-domain?domain=Fresh.Example.")
    assert op.post("/domains/fresh.example", **form, step="preview").status_code == 200
    assert op.post("/domains/fresh.example", **form, step="save").status_code == 303
    assert entry_now("fresh.example")["plan"] == "standard"
    assert "fresh.example" in op.text("/domains")


@pytest.mark.parametrize("name", ["", "no domain", "a@b.example", "-.example", "<b>"])
def test_what_is_no_domain_gets_no_plan(name, stored, op):
    answer = op.get("/new-domain", params={"domain": name})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ses/domains")
    assert op.post(f"/domains/{quote(name or '-')}", **PLAN).status_code == 404


def test_nothing_from_the_entry_or_the_form_is_markup(stored, admin):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    write(json.dumps({DOMAIN: {"plan": [hostile], "started_on": hostile, "time_zone": hostile, hostile: hostile}}))
    for answer in (admin.get(PATH), admin.post(PATH, **dict.fromkeys(PLAN, hostile), seen=hostile)):
        assert "<img" not in answer.text
        assert "<script>alert" not in answer.text


LED = {"plan": "reputation", "steps": "", "started_on": "2026-01-01", "time_zone": "UTC", "day_length": ""}


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ({**LED, "start_level": "3", "max_level": "12"}, {"plan": "reputation", "start_level": 3, "max_level": 12}),
        ({**LED, "level_use": "shadow"}, {"plan": "reputation", "shadow": True}),
        ({**LED, "level_use": "guard"}, {"plan": "reputation"}),  # the level is the plan already
        ({**LED, "plan": "standard", "level_use": "guard"}, {"plan": "standard", "guard": True}),
        (
            {**LED, "plan": "standard", "level_use": "shadow", "max_level": "5"},
            {"plan": "standard", "guard": True, "shadow": True, "max_level": 5},
        ),
        ({**LED, "plan": "standard"}, {"plan": "standard"}),
    ],
)
def test_the_form_writes_how_the_reputation_takes_part_and_shows_it_again(stored, op, typed, written):
    form = {**fields(op), "start_level": "", "max_level": "", "level_use": "", **typed, "step": "save"}
    assert op.post(PATH, **form).status_code == 303
    assert entry_now() == {**written, "started_on": "2026-01-01", "time_zone": "UTC"}
    before, html = text_now(), op.get(PATH).text
    shown = html[html.index('id="level_use"') :]
    use = re.search(r'<option value="(\w*)" selected>', shown[: shown.index("</select>")])
    again = {**fields(op), "level_use": use[1] if use else ""}
    assert op.post(PATH, **again, step="save").status_code == 303
    assert text_now() == before, "saving it unchanged changes nothing"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({**LED, "start_level": "21"}, "Must be a level of the reputation, a whole number from 1 to 20."),
        ({**LED, "start_level": "many"}, "Must be a level of the reputation, a whole number from 1 to 20."),
        ({**LED, "start_level": "9", "max_level": "8"}, "The highest level is below the level at which the domain"),
        ({**LED, "plan": "standard", "max_level": "8"}, "This only holds with"),
        ({**LED, "plan": "standard", "level_use": "guard", "start_level": "2"}, "This only holds with"),
    ],
)
def test_what_cannot_hold_is_said_beside_its_field_and_nothing_is_written(stored, op, typed, words):
    before = text_now()
    answer = op.post(
        PATH, **{**fields(op), "start_level": "", "max_level": "", "level_use": "", **typed, "step": "save"}
    )
    assert answer.status_code == 422
    assert words in visible_text(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert text_now() == before


def test_a_level_of_an_entry_written_by_hand_that_cannot_be_is_shown_with_its_field(stored, op):
    write(json.dumps({DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "max_level": 40}}))
    page = op.text(PATH)
    assert "Must be a level of the reputation, a whole number from 1 to 20." in page
    assert "評価のレベル（1から20までの整数）でなければなりません。" in op.get(PATH, headers=JAPANESE).text


def test_a_blocked_domain_says_until_when_and_why_on_its_page_and_in_the_list(stored, op):
    write(json.dumps({DOMAIN: {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING}}))
    why = Explanation("reputation_blocked_invalid", percent="12.50", count=50, total=400, threshold="11")
    with transaction(stored.conn):
        until = datetime.max.replace(tzinfo=UTC)
        states.write(stored.conn, ReputationState(sender_domain=DOMAIN, level=2, blocked_until=until, blocked_why=why))
    page = op.text(PATH)
    assert f"{DOMAIN} is blocked until a person releases it; nothing more leaves on this day: 12.50 %" in page
    assert "The mail stays cached; nothing is lost." in page
    assert "blocked for now" in op.text("/domains")
