"""Erasing a person in the console: what is stored is shown first, what was done is said, and the log names nobody."""

from __future__ import annotations

import json

from tests.console.console_world import visible_text

PERSON = "customers-2@customers.example"


def test_what_is_stored_is_shown_and_erased_once_it_was_seen(world, user):
    world.seed("hello", count=3)
    world.execute(
        "INSERT INTO suppression (address_key, address, reason) VALUES (%s, %s, 'unsubscribe')", PERSON, PERSON
    )
    assert "Erase a person" in user.text("/suppression")
    shown = user.post("/suppression/erase", address=f" {PERSON.upper()} ")
    text = visible_text(shown.text)
    assert f"What is stored of {PERSON.partition('@')[0].upper()}@customers.example" in text
    assert "Recipient groups : customers" in text.replace("groups:", "groups :")
    assert "on the suppression list: it stays there, by its hash" in text
    assert world.rows("SELECT recipient_count FROM recipient_group") == [(3,)]
    assert not world.audit_log(), "a look changes nothing"
    done = user.post("/suppression/erase", address=PERSON, confirmed="yes")
    assert done.headers["location"] == "/ses/suppression/erase"
    text = user.text("/suppression/erase")
    assert "Erased from customers and 0 messages. The person is on the suppression list and stays there." in text
    assert "Earlier erasures" in text
    assert world.rows("SELECT recipient_count FROM recipient_group") == [(2,)]
    (row,) = world.audit_log()
    assert (row["event"], row["extra"]["groups"]) == ("ses_erase_person", ["customers"])
    assert PERSON not in json.dumps(row["extra"])
    assert row["extra"]["person"].startswith("erased:")


def test_an_address_that_is_none_is_said_beside_the_field(world, user, viewer):
    answer = user.post("/suppression/erase", address="nobody", confirmed="yes")
    assert answer.status_code == 422
    assert "has no @" in answer.text
    assert viewer.get("/suppression/erase").status_code == 403


def test_an_erased_person_can_be_taken_off_the_list_again(world, user):
    world.execute("INSERT INTO suppression (address_key, address, reason) VALUES (%s, %s, 'manual')", PERSON, PERSON)
    user.post("/suppression/erase", address=PERSON, confirmed="yes")
    ((hashed,),) = world.rows("SELECT address FROM suppression")
    assert hashed in user.text("/suppression")
    assert user.get(f"/suppression/remove?address={hashed}").status_code == 200
    assert user.post("/suppression/remove", address=PERSON, why="asked for it").status_code == 303
    assert world.rows("SELECT count(*) FROM suppression") == [(0,)]


def test_a_group_whose_tasks_have_ended_is_deleted_and_their_pages_name_it(world, user):
    world.seed("hello", count=3)
    world.outcome("hello", sent=3)
    world.execute("UPDATE occurrence SET finished_at = now()")
    world.execute("UPDATE send_task SET finished_at = now()")
    assert user.post("/groups/customers/delete", confirmed="yes").headers["location"] == "/ses/groups"
    assert user.get("/groups/customers").status_code == 404
    assert "customers" in user.text("/tasks/hello")
    assert user.get("/tasks").status_code == 200
