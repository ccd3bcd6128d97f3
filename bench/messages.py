"""The message of all senders: one template, rendered for each customer, 4 to 5 kB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ses_ops.domain.mail_content import MailContent
from ses_ops.domain.schedule import TaskType
from ses_ops.rendering.template import Preview, load_template
from ses_ops.sending.task_renderer import task_renderer

TEMPLATES = Path(__file__).with_name("templates")
TEMPLATE = "spring-letter"
DOMAIN = "mail.example.com"
SENDER = f"Example Shop <news@{DOMAIN}>"
UNSUBSCRIBE_URL = "https://shop.example.com/unsubscribe?id={{ customer_id }}"
#: Names of customers. Three of ten are not ASCII: then the header and both parts of the message are encoded.
NAMES = ("Ann", "Bob", "Carol", "Dilip", "Eve", "Zoë Ångström", "Farah", "李小龍", "Grace", "Łukasz Żółw")
#: Bytes a message on the wire, from the first header to the last line.
SMALLEST, LARGEST = 4_000, 5_000
VARIABLES = ("name", "customer_id", "coupon")


def address(number: int) -> str:
    """The address of a customer, counted from 1."""
    return f"customer-{number}@customers.example"


def values(number: int) -> dict[str, str]:
    """The values of a customer for the template's variables; `mailing.py` makes the same in SQL."""
    return {
        "name": f"{NAMES[number % len(NAMES)]} {number}",
        "customer_id": f"C-{number}",
        "coupon": f"SPRING-{number}",
    }


def definition(**changes: object) -> dict[str, object]:
    """The definition of a send task, as a YAML file has it."""
    return {
        "type": "triggered",
        "template": TEMPLATE,
        "sender": SENDER,
        "unsubscribe_url": UNSUBSCRIBE_URL,
        **changes,
    }


def rendered(number: int) -> bytes:
    """The message that the engine sends to a customer."""
    content = MailContent(
        type=TaskType.TRIGGERED,
        template=TEMPLATE,
        sender=SENDER,
        sender_domain=DOMAIN,
        unsubscribe_url=UNSUBSCRIBE_URL,
    )
    renderer = task_renderer(content, TEMPLATES, installation_id="benchmark000")
    return renderer.render(occurrence_id=1, seq=number, address=address(number), values=values(number))


def wire_bytes() -> int:
    """Bytes of the average message. Raises AssertionError when a message does not have 4 to 5 kB."""
    sizes = [len(rendered(number)) for number in (*range(1, len(NAMES) + 1), *range(1_000_000, 1_000_010))]
    assert all(SMALLEST <= size <= LARGEST for size in sizes), f"the messages have {min(sizes)} to {max(sizes)} bytes"
    return sum(sizes) // len(sizes)


def parts(replacing: Mapping[str, str]) -> Preview:
    """Subject, HTML and text with `replacing` in place of the variables, for the peers to fill in."""
    url = f"https://shop.example.com/unsubscribe?id={replacing['customer_id']}"
    return load_template(TEMPLATES, TEMPLATE).preview(replacing, unsubscribe_url=url)
