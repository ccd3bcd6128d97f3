"""
### Mail from your own DAG

`receipts` sends one message to each customer of the run's configuration, through the API of ses-ops: a retry or a clear
mails nobody twice. `newsletter` then writes a send task, has it started, and waits until all its mail has its
outcome.

Try it with `{"orders": [{"id": "A-1", "email": "ann@example.com", "name": "Ann"}]}`. It needs the Airflow connection
`ses_ops_api` (docs/orchestration.md).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from ses_ops.orchestration.operators.send_message import SendMessageOperator
from ses_ops.orchestration.operators.send_task import SendTaskOperator

with DAG(
    dag_id="example_order_mails",
    schedule=None,
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=10)},
    params={
        "orders": Param([], type="array"),
        "sender": Param("Example Shop <orders@example.com>", type="string"),
        "group": Param("customers", type="string"),
        "template": Param("newsletter", type="string"),
    },
    tags=["ses-ops", "example"],
):

    @task
    def mails(params: dict[str, Any]) -> list[dict[str, Any]]:
        """What each message needs besides what all have."""
        return [
            {
                "to": order["email"],
                "reference": f"order-{order['id']}",
                "values": {"name": order["name"], "order": order["id"]},
            }
            for order in params["orders"]
        ]

    receipts = SendMessageOperator.partial(
        task_id="receipts",
        sender="{{ params.sender }}",
        # Filled in by ses-ops with `values`, not by Airflow: so no customer's name can be a template.
        subject="{% raw %}Your order {{ order }}{% endraw %}",
        text="{% raw %}Dear {{ name }},\n\nthank you for your order {{ order }}.\n{% endraw %}",
        tags=["receipt"],
        wait_for="sent",
        deferrable=True,
    ).expand_kwargs(mails())

    newsletter = SendTaskOperator(
        task_id="newsletter",
        definition={
            "name": "example-news",
            "type": "triggered",
            "template": "{{ params.template }}",
            "sender": "{{ params.sender }}",
            "group": "{{ params.group }}",
        },
        deferrable=True,
    )

    receipts >> newsletter
