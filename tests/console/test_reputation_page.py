"""The reputation on the page of a sender domain, and the decisions of persons about it."""

from __future__ import annotations

import json
import re

import pytest

from ses_ops.application.judge_reputation import judge_domain
from ses_ops.domain.warmup import QuotaPlans
from tests.console.console_world import client as make_client
from tests.console.console_world import visible_text
from tests.integration.reputation_world import ReputationWorld
from tests.integration.sending_world import DOMAIN, MORNING, quota

PAGE, DECIDE = f"/domains/{DOMAIN}", f"/domain-decisions/{DOMAIN}"
VARIABLE = "AIRFLOW_VAR_SES_WARMUP_QUOTA"
JAPANESE = {"Accept-Language": "ja"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Led(ReputationWorld):
    """A domain that its reputation leads."""

    def plan(self, monkeypatch, **fields) -> None:
        entry = {"plan": "reputation", "started_on": "2026-01-01", "time_zone": MORNING, "start_level": 3, **fields}
        entry = {name: value for name, value in entry.items() if value is not None}
        self.plans = QuotaPlans.parse({DOMAIN: entry})
        monkeypatch.setenv(VARIABLE, json.dumps({DOMAIN: entry}))

    def judge(self):
        return judge_domain(self.conn, self.plans[DOMAIN])


@pytest.fixture
def led(world, monkeypatch):
    """A week of good mail, and a day with some invalid addresses."""
    domain = Led(conn=world.conn, domain=DOMAIN)
    domain.plan(monkeypatch)
    domain.measured()
    for days_ago in range(1, 8):
        domain.day(days_ago, accepted=1_000, invalid_refused=20)
    domain.day(accepted=970, invalid_refused=30)
    return domain


@pytest.fixture
def op(world):
    """May write Variables, and is no administrator."""
    yield from make_client(world.app, "op")


def stored(led) -> tuple:
    names = "level, pinned_level, max_level, blocked_until::text"
    found = led.execute(f"SELECT {names} FROM reputation WHERE sender_domain = %s", DOMAIN)
    return found[0] if found else ()


def test_the_page_says_the_level_each_figure_with_its_distance_and_what_would_raise_it(led, viewer):
    for path in (PAGE, f"/live/domain-reputation/{DOMAIN}"):
        text = viewer.text(path)
        assert "Level 3 of 20: 2,000 messages a day" in text
        assert "Invalid addresses 3% 30 of 1,000" in text
        # 9 % of 1,000 are 90, which is not above 9 %.
        assert "above 9% 61 more invalid addresses today would lower the level." in text
        assert "above 11% 81 more invalid addresses today would block the domain." in text
        assert "below 5% 20 more would be too many" in text
        assert "Level 4, 5,000 messages a day, comes as soon as 70% of today's level, 1,400 messages" in text
        assert "with good figures: 400 more." in text
        assert "The figures of today and of the window are good enough." in text


def test_the_chart_has_a_panel_for_each_figure_and_a_table_with_its_numbers(led, viewer):
    led.judge()
    page = viewer.get(PAGE).text
    charts = page[page.index('id="reputation-days"') : page.index('id="decisions"')]
    headings = re.findall(r'<p class="small"><strong>([^<]+)</strong>', charts)
    assert headings == ["Level", "Invalid addresses", "Not delivered", "Refused as spam", "Complaints"]
    assert charts.count('<svg class="plot"') == charts.count('role="img" aria-label="') == 5
    assert charts.count('<g class="column') == 5 * 8
    assert charts.count('<tr class="today"') == 1
    assert "3% 30 of 1,000" in visible_text(charts)
    assert "style=" not in page


def test_a_domain_that_nothing_measures_says_so_and_how_that_is_mended(led, viewer):
    led.execute("DELETE FROM event_feed")
    text = viewer.text(PAGE)
    assert "unmeasured" in text
    assert "Set its bounce domain below, or have the events of your provider sent to us" in text


def test_shadow_and_guard_are_said_plainly(led, viewer, monkeypatch):
    led.plan(monkeypatch, shadow=True)
    assert "Shadow mode: levels are computed and shown, and nothing of it is enforced." in viewer.text(PAGE)
    led.plan(monkeypatch, plan=[5_000], guard=True, start_level=None)
    text = viewer.text(PAGE)
    assert "Guard: the calendar is the plan, and the level only lowers it." in text


def test_what_is_blocked_says_why_and_offers_to_release_it_to_those_who_may(led, viewer, op):
    led.day(accepted=100, invalid_refused=300)
    led.judge()
    for path in (PAGE, f"/live/domain-reputation/{DOMAIN}"):
        text = viewer.text(path)
        assert "Nothing leaves from this domain until" in text
        assert "23.57 % of its mail (330 of 1,400) went to addresses that do not exist" in text
        assert "From" in text
        assert "level 2, 1,000 messages a day" in text
        assert "decide=release" not in viewer.get(path).text
        assert "decide=release#decide" in op.get(path).text
    assert 'id="act-release" value="release"' in op.get(PAGE).text
    checked = op.get(PAGE + "?decide=release").text
    assert re.search(r'value="release"[^>]* checked', checked)


def test_each_decision_is_a_sentence_and_a_persons_has_the_name_and_the_reason(led, viewer, op):
    led.judge()
    op.post(DECIDE, act="pin", level="5", reason="a <b>known</b> list", confirmed="yes")
    text = visible_text(viewer.get(PAGE).text)
    told = text[text.index(" Decisions ") :]
    assert "the reputation begins at level 3, 2,000 messages a day" in told
    assert "Level 3 → 5" in told
    assert "op : a <b>known</b> list" in told
    assert told.index("pinned") < told.index("begun"), "the newest first"


@pytest.mark.parametrize(
    ("form", "question", "done", "after"),
    [
        (
            {"act": "pin", "level": "5"},
            "at level 5, 10,000 messages a day?",
            "is pinned at level 5.",
            (3, 5, None, None),
        ),
        ({"act": "cap", "level": "2"}, "no higher than level 2, 1,000", "no higher than level 2.", (3, None, 2, None)),
        ({"act": "uncap"}, "as far as its plan allows?", "as far as its plan allows.", (3, None, None, None)),
        ({"act": "block"}, "until somebody releases it?", "until somebody releases it.", (3, None, None, "infinity")),
        ({"act": "reset"}, "Reset the reputation", "begins anew.", (3, None, None, None)),
    ],
    ids=lambda value: value["act"] if isinstance(value, dict) else "",
)
def test_a_decision_is_asked_about_then_carried_out_and_audited(form, question, done, after, led, op, world):
    led.judge()
    asked = op.post(DECIDE, reason="a wrong list", **form)
    assert asked.status_code == 200
    assert question in visible_text(asked.text)
    assert "Reason: a wrong list" in visible_text(asked.text)
    assert stored(led) == (3, None, None, None), "nothing happens before the answer"
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    answer = op.post(DECIDE, **hidden)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/ses{PAGE}")
    assert stored(led) == after
    assert done in op.text(PAGE)
    (row,) = world.audit_log()
    assert (row["owner"], row["extra"]["domain"], row["extra"]["why"]) == ("op", DOMAIN, "a wrong list")


def test_a_block_is_released_and_a_pin_taken_back(led, op):
    led.judge()
    op.post(DECIDE, act="block_today", reason="complaints", confirmed="yes")
    assert stored(led)[3] not in (None, "infinity")
    op.post(DECIDE, act="pin", level="2", reason="complaints", confirmed="yes")
    assert op.post(DECIDE, act="release", reason="mended", confirmed="yes").status_code == 303
    op.post(DECIDE, act="unpin", reason="mended", confirmed="yes")
    assert stored(led) == (3, None, None, None)
    assert "is not blocked" in visible_text(
        op.get(PAGE).text if op.post(DECIDE, act="release", reason="again", confirmed="yes") else ""
    )


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"act": "block", "reason": "  "}, "reason", "Say why"),
        ({"act": "pin", "level": "", "reason": "x"}, "level", "Choose a level from 1 to 20."),
        ({"act": "pin", "level": "21", "reason": "x"}, "level", "Choose a level from 1 to 20."),
        ({"act": "cap", "level": "1e1", "reason": "x"}, "level", "Choose a level from 1 to 20."),
        ({"act": "delete", "reason": "x"}, "act", "Choose what to decide."),
        ({"reason": "x"}, "act", "Choose what to decide."),
    ],
)
def test_what_cannot_be_decided_is_said_beside_its_field(form, field, words, led, op, world):
    for confirmed in ({}, {"confirmed": "yes"}):
        answer = op.post(DECIDE, **form, **confirmed)
        assert answer.status_code == 422
        assert words in visible_text(answer.text)
        assert f'id="{field}-error"' in answer.text
    assert stored(led) == ()
    assert world.audit_log() == []


@pytest.mark.parametrize("person", ["viewer", "user"])
def test_only_who_may_write_the_quota_decides(person, led, request):
    client = request.getfixturevalue(person)
    page = client.get(PAGE).text
    assert 'id="decide"' not in page
    assert client.post(DECIDE, act="block", reason="x", confirmed="yes").status_code == 403
    assert stored(led) == ()


def test_another_site_decides_nothing(led, op):
    own = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert op.post(DECIDE, headers=own, act="block", reason="x", confirmed="yes").status_code == 403
    assert stored(led) == ()


def test_a_calendar_alone_says_that_its_level_is_not_computed_and_can_be_blocked(world, op, monkeypatch):
    monkeypatch.setenv(VARIABLE, json.dumps(quota(1_000)))
    world.seed("hello")
    assert "The calendar alone leads the quota of this domain" in op.text(PAGE)
    assert 'value="pin"' not in op.get(PAGE).text
    op.post(DECIDE, act="block", reason="a wrong list", confirmed="yes")
    text = op.text(PAGE)
    assert "Nothing leaves from this domain until somebody releases it." in text
    assert "0 left of" in text


def test_nothing_of_a_reason_or_a_form_is_markup(led, op):
    for answer in (
        op.post(DECIDE, act=HOSTILE, level=HOSTILE, reason=HOSTILE),
        op.post(DECIDE, act="block", reason=HOSTILE),
    ):
        assert "<img" not in answer.text
        assert "<script>alert" not in answer.text
    op.post(DECIDE, act="block", reason=HOSTILE, confirmed="yes")
    page = op.get(PAGE).text
    assert "<img" not in page
    assert "<script>alert" not in page


def test_an_unknown_domain_is_not_found(led, op):
    assert op.post("/domain-decisions/other.example", act="block", reason="x", confirmed="yes").status_code == 404


def test_the_overview_announces_for_a_day_what_was_lowered_or_blocked(led, world, viewer):
    world.seed("hello")
    assert "The reputation of a sender domain" not in viewer.text("/")
    led.day(accepted=100, invalid_refused=300, spam_refused=60)
    led.judge()
    for path in ("/", "/live/overview"):
        text = viewer.text(path)
        assert text.count(f"{DOMAIN} was ") == 1, "once a domain"
        assert f"{DOMAIN} was blocked" in text, "the block comes before the lowering that was decided with it"
        assert "went to addresses that do not exist" in text, "the signal farthest beyond its own threshold"
    led.execute("UPDATE reputation_decision SET decided_at = decided_at - interval '25 hours'")
    from ses_ops.console.database import forget_snapshots

    forget_snapshots()
    assert "was blocked" not in viewer.text("/")


def test_a_block_that_a_person_has_taken_back_is_announced_no_more(led, world, viewer, op):
    world.seed("hello")
    op.post(DECIDE, act="block", reason="a wrong list", confirmed="yes")
    assert f"{DOMAIN} was blocked" in viewer.text("/")
    op.post(DECIDE, act="release", reason="mended", confirmed="yes")
    assert "was blocked" not in viewer.text("/")


def test_what_is_only_computed_is_announced_to_nobody(led, world, viewer, monkeypatch):
    world.seed("hello")
    led.plan(monkeypatch, shadow=True)
    led.day(accepted=100, invalid_refused=300)
    led.judge()
    assert "The reputation of a sender domain" not in viewer.text("/")
    assert "only computed" in viewer.text(PAGE)


def test_japanese(led, op):
    led.judge()
    text = op.text(PAGE, headers=JAPANESE)
    assert "レベル 3" in text
    assert "本日あと61件の無効なアドレスでレベルが下がります。" in text
    assert "評価がレベル" in text or "評価はレベル" in text
    asked = visible_text(op.post(DECIDE, act="block", reason="x", headers=JAPANESE).text)
    assert f"{DOMAIN} を、解除されるまでブロックしますか？" in asked
