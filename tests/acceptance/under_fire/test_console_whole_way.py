"""The console from an empty install to its last button, in a real browser inside Airflow's UI, on the whole stack.

One person, one story: each test goes on where the one before it ended. The mail server keeps the count of who got what.
It is told twice, each time from an empty install: in English and light, in Japanese and dark. The first time it has the
stack of this folder, of which it is the first module.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ses_ops.storage.connection import connected
from tests.acceptance.console_person import AIRFLOW_WITHIN, ANY, FRAME, PREFIX, Person
from tests.acceptance.stack_process import StackProcess
from tests.acceptance.under_fire.conftest import ALLOTMENT, CONSOLE_DOMAIN, CONSOLE_QUOTA, DAY_SECONDS
from tests.console.browser.chromium import chromium
from tests.recording_smtp import RecordingServer

SENDER = f"Example Shop <news@{CONSOLE_DOMAIN}>"
RECIPIENTS = 46
ADDRESSES = [f"customer-{number}@shoppers.example" for number in range(1, RECIPIENTS + 1)]
#: Asked for no more mail before the mailing.
SUPPRESSED = "customer-7@shoppers.example"
#: The server takes its mail and hangs up before it has said so.
DOUBTFUL = "customer-40@shoppers.example"
TESTERS = ["ann@example.com", "ben@example.com"]
_DARK = "() => matchMedia('(prefers-color-scheme: dark)').matches"


@dataclass(frozen=True)
class Look:
    """What the person's browser asks for, and how times are written there: by the server, and twice by the browser."""

    locale: str
    scheme: str
    new_year: str
    first_start: str
    second_start: str
    #: What the console's navigation has at least one character of.
    letters: str = "[A-Za-z]"


LOOKS = {
    "english-light": Look("en-GB", "light", "Thu, Jan 1, 2099 9:00", "1 Jan 2099, 09:00", "5 May 2098, 08:30"),
    "japanese-dark": Look(
        "ja-JP", "dark", "2099年1月1日", "2099/01/01 9:00", "2098/05/05 8:30", "[\u3041-\u30ff\u4e00-\u9fff]"
    ),
}


#: The look of the first time.
FIRST = LOOKS["english-light"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(LOOKS["english-light"], id="english-light"),
        # The same minutes again. Japanese and dark pages are looked at in tests/console/browser, too.
        pytest.param(LOOKS["japanese-dark"], id="japanese-dark", marks=pytest.mark.full),
    ],
)
def look(request: pytest.FixtureRequest) -> Look:
    """All that follows is made anew for each."""
    return request.param


def doubtful(address: str) -> bool:
    return address == DOUBTFUL


@pytest.fixture(scope="module")
def server(look: Look, request: pytest.FixtureRequest) -> Iterator[RecordingServer]:
    if look is not FIRST:
        with RecordingServer(hang_up=doubtful) as own:
            yield own
        return
    shared: RecordingServer = request.getfixturevalue("mail_server")
    shared.hang_up = doubtful
    shared.at_once.add("customer")
    yield shared
    shared.hang_up = None


@pytest.fixture(scope="module")
def install(look: Look, server: RecordingServer, request: pytest.FixtureRequest) -> Iterator[StackProcess]:
    """An empty install, with a login."""
    if look is FIRST:
        yield request.getfixturevalue("stack")
        return
    running = StackProcess(
        settings={
            "SES_SAMPLE": "off",
            "AIRFLOW_CONN_SES_SMTP": f"{server.uri}/?tls=none",
            "AIRFLOW_VAR_SES_WARMUP_QUOTA": json.dumps(CONSOLE_QUOTA),
        }
    )
    try:
        running.start_and_wait()
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def person(browser: Any, look: Look, install: StackProcess) -> Iterator[Person]:
    one = Person(browser, install, scheme=look.scheme, locale=look.locale)
    yield one
    one.context.close()


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file with one row that cannot be used."""
    file = tmp_path_factory.mktemp("csv") / "customers.csv"
    with file.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["email", "name", "customer_id", "coupon"])
        rows.writerows([address, f"Person {n}", n, f"SPRING{n}"] for n, address in enumerate(ADDRESSES, 1))
        rows.writerow(["nobody at all", "Nobody", 0, "NONE"])
    return file


@pytest.fixture(autouse=True)
def _no_script_fails(person: Person) -> Iterator[None]:
    yield
    assert not person.complaints, person.complaints


def test_a_person_logs_in_and_finds_the_console_in_airflows_navigation(install, person):
    assert install.call("GET", f"{PREFIX}/")[0] == 401
    person.log_in()
    person.page.get_by_role("link", name="Mail").first.click()
    person.frame.get_by_role("heading", name=person.reads("Overview"), level=1).wait_for()
    person.sees("Your first mailing, in three steps")


def test_a_group_is_made_by_an_upload_and_bad_rows_are_reported(person, customers):
    person.click("Upload a recipient group", "link")
    person.click("Upload the first group", "link")
    person.fill(name="customers", description="Everybody who ordered")
    person.frame.locator("#file").set_input_files(customers)
    person.click("Make the group")
    person.sees("Rows that were left out")
    person.sees("nobody at all")
    person.click("Look at the group", "link")
    person.frame.get_by_role("heading", name="customers", level=1).wait_for()
    person.sees(ADDRESSES[0])
    person.sees(re.compile(rf"^{RECIPIENTS}$"))


def test_an_address_is_suppressed(person):
    person.go_to("Suppression")
    person.sees("No address is suppressed")
    person.click("Add addresses", "link")
    person.fill(addresses=SUPPRESSED, note="asked by telephone")
    person.click("Add")
    person.sees_number("%(num)s address gets no mail.", "%(num)s addresses get no mail.", 1)
    person.sees(SUPPRESSED)


def test_a_template_is_previewed_with_sample_values_and_with_a_recipients_own(person):
    person.go_to("Templates")
    person.click("newsletter", "link")
    mail = person.frame.frame_locator("iframe.mail")
    mail.get_by_text("Fresh for spring, Ann").first.wait_for()
    person.click("Phone", "link")
    person.frame.locator("iframe.mail.phone").wait_for()
    person.choose(group="customers")
    person.fill(address=ADDRESSES[2])
    person.click("Show")
    mail.get_by_text("Fresh for spring, Person 3").first.wait_for()


def test_a_test_send_reaches_everybody_it_names_while_one_watches(person, server):
    person.click("Test send", "link")
    person.fill(recipients="\n".join(TESTERS), sender=SENDER)
    person.click("Send now")
    accepted = "%(num)s messages were accepted by the mail server."
    person.sees_number("The message was accepted by the mail server.", f"All {accepted}", 2, AIRFLOW_WITHIN)
    assert server.accepted == Counter(TESTERS)


def test_a_task_over_quota_shows_what_will_happen_before_it_is_made(person, server, install):
    person.go_to("New send task")
    person.choose(template="newsletter", group="customers")
    person.fill(sender=SENDER, name="spring-sale")
    person.click("Check and preview")
    person.sees_number("%(num)s recipient", "%(num)s recipients", RECIPIENTS - 1)
    group = {"all": RECIPIENTS, "group": "customers", "suppressed": 1}
    person.sees("%(all)s in the group %(group)s, %(suppressed)s of them on the suppression list.", **group)
    spread = {"domain": CONSOLE_DOMAIN, "days": 2, "begin": ANY, "end": ANY}
    person.sees(
        "The warm-up of %(domain)s spreads it over %(days)s days. The last message leaves between %(begin)s and"
        " %(end)s.",
        **spread,
    )
    person.frame.frame_locator("iframe").get_by_text("Fresh for spring, Person 1").first.wait_for()
    assert server.total == len(TESTERS), "nothing leaves before somebody says so"
    _wait_for_a_young_day(install)
    person.click("Create the task")
    person.sees("The send task %(name)s is created.", name="spring-sale")


def test_it_pauses_by_itself_says_until_when_goes_on_and_finishes(person, server, install):
    """Watched without a reload: the task's page in Airflow, the list in a tab of its own."""
    tab = person.new_tab()
    # Not in Airflow's UI, which may take longer to load than a rehearsal day lasts.
    tab.goto(install.url(f"{PREFIX}/tasks"))
    row = tab.locator("[data-key=spring-sale]")
    row.wait_for()
    goes_on = person.sees("Goes on by itself %(when)s.", AIRFLOW_WITHIN, when=ANY).locator("time")
    assert _times(goes_on) > datetime.now().astimezone(), "the pause is over before it began"
    at_pause = person.counts()
    assert at_pause["cached"] > 0
    assert at_pause["sent"] <= ALLOTMENT
    assert sum(server.accepted[address] for address in ADDRESSES) == at_pause["sent"], "the bar does not stand still"
    row.get_by_text(person.reads("goes on %(when)s", when=ANY)).wait_for()
    row.get_by_text(person.reads("paused"), exact=True).wait_for()
    person.sees("Finished %(when)s.", AIRFLOW_WITHIN, when=ANY)
    row.get_by_text(person.reads("finished"), exact=True).wait_for()
    tab.close()
    expected = {"whole": RECIPIENTS, "sent": RECIPIENTS - 2, "suppressed": 1, "unknown": 1, "cached": 0, "failed": 0}
    assert {kind: person.counts()[kind] for kind in expected} == expected


def test_what_is_in_doubt_waits_for_a_person_who_decides(person):
    person.go_to("Overview")
    person.sees("Needs a person")
    person.frame.locator(".todo").get_by_role("link", name="spring-sale").click()
    person.sees_number("%(num)s message in doubt", "%(num)s messages in doubt", 1)
    person.click("Show these messages", "link")
    person.frame.locator(".list.messages").get_by_text(DOUBTFUL).wait_for()
    person.click("Count as sent")
    person.answers("Count as sent")
    person.sees_number(
        "%(num)s message in doubt of %(name)s counts as sent now.",
        "%(num)s messages in doubt of %(name)s count as sent now.",
        1,
        name="spring-sale",
    )
    assert person.counts()["sent"] == RECIPIENTS - 1


def test_everybody_got_it_once_and_who_is_suppressed_did_not(person, server):
    got = {address: server.accepted[address] for address in ADDRESSES}
    assert got == {address: int(address != SUPPRESSED) for address in ADDRESSES}
    person.click("Show all", "link")
    everything = person.frame.get_by_role("link", name=person.reads("Show all"), exact=True)
    everything.wait_for(state="hidden")
    person.fill(address=SUPPRESSED)
    person.click("Show")
    everything.wait_for()
    row = person.frame.locator(".list.messages").get_by_role("row").filter(has_text=SUPPRESSED)
    row.get_by_text(person.reads("suppressed")).wait_for()


def test_from_the_task_to_its_dag_and_back(person):
    person.click("Open the DAG", "link")
    person.page.wait_for_url("**/dags/send_task__spring-sale**")
    person.page.get_by_role("link", name="Progress", exact=True).click()
    person.sees("%(sent)s of %(all)s sent", sent=RECIPIENTS - 1, all=RECIPIENTS)
    person.click("Open in the mail console", "link")
    person.page.wait_for_url(f"**{FRAME}{PREFIX}/tasks/spring-sale")
    person.frame.get_by_role("heading", name="spring-sale", level=1).wait_for()


def test_a_scheduled_task_is_made_edited_paused_resumed_and_cancelled(person, server, install, look):
    before = server.total
    person.go_to("New send task")
    person.choose(template="newsletter", group="customers")
    person.frame.locator("label[for=type-scheduled]").click()
    person.fill(sender=SENDER, name="new-year", start_at="2099-01-01T09:00", time_zone="Asia/Tokyo")
    person.click("Check and preview")
    person.sees(look.new_year)
    person.click("Create the task")
    person.sees("The send task %(name)s is created.", name="new-year")
    person.sees("Starts %(when)s.", when=look.first_start)
    person.click("Edit", "link")
    person.fill(start_at="2098-05-05T08:30")
    person.click("Check and preview")
    person.click("Save the changes")
    person.sees("The send task %(name)s is changed.", name="new-year")
    person.sees("Starts %(when)s.", when=look.second_start)
    person.click("Pause")
    person.sees("%(name)s is paused.", name="new-year")
    person.sees("paused by %(who)s", who="admin")
    person.click("Resume")
    person.sees("%(name)s goes on.", name="new-year")
    person.click("Cancel")
    person.answers("Cancel the task")
    person.sees("Cancelled. What had not left is never sent.")
    assert server.total == before
    _, runs = install.call("GET", "/api/v2/dags/send_task__new-year/dagRuns", token=install.token())
    assert not (isinstance(runs, dict) and runs["dag_runs"])


def test_airflows_audit_log_says_who_did_all_this(install):
    _, log = install.call("GET", "/api/v2/eventLogs?event_pattern=ses_&limit=100", token=install.token())
    rows = log["event_logs"]
    assert {row["owner"] for row in rows} == {"admin"}
    done = {row["event"] for row in rows}
    expected = {"suppress", "test_send", "create_task", "change_task", "cancel_task", "resolve_unknown", "import_group"}
    assert {f"ses_{name}" for name in expected} <= done


PAGES = (
    "/",
    "/tasks",
    "/tasks/spring-sale",
    "/new-task",
    "/new-task?clone=spring-sale",
    "/templates",
    "/templates/newsletter",
    "/templates/newsletter/test",
    "/groups",
    "/groups/customers",
    "/new-group",
    "/domains",
    f"/domains/{CONSOLE_DOMAIN}",
    "/suppression",
    "/suppression/add",
)


def test_every_page_has_the_language_and_the_theme_and_shuts_nobody_out(person, look):
    findings = []
    for path in PAGES:
        findings += person.findings(path)
        html = person.frame.locator("html")
        assert html.get_attribute("lang") == person.words.code, path
        assert re.search(look.letters, person.frame.locator("nav").first.inner_text()), path
        assert html.evaluate(_DARK) == (look.scheme == "dark"), path
    assert not findings, "\n".join(findings)


def _wait_for_a_young_day(install: StackProcess) -> None:
    """What has not left at the end of a quota day waits for another one: the task shall begin in its first third."""
    with connected(install.description["db_dsn"]) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM now() - rehearsal_began_at)::float FROM sender_domain WHERE domain = %s",
            (CONSOLE_DOMAIN,),
        )
        age = cursor.fetchone()[0] % DAY_SECONDS
    if age > DAY_SECONDS / 3:
        time.sleep(DAY_SECONDS - age)


def _times(element: Any) -> datetime:
    return datetime.fromisoformat(element.get_attribute("datetime"))
