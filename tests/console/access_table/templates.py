"""Who gets what from templates/list.py and templates/test_sends.py."""

from tests.console.access_table import changes, needs_right, reads

ROUTES = {
    "GET /templates": reads("/templates"),
    "GET /templates/{template}": reads("/templates/hello"),
    "GET /templates/{template}/html": reads("/templates/hello/html"),
    "GET /templates/{template}/test": needs_right("/templates/hello/test"),
    # Airflow has read no DAG in test_access.py: nothing is started, and nothing is written to the audit log.
    "POST /templates/{template}/test": changes(
        "/templates/hello/test", recipients="ann@example.com", status=422, audited=False
    ),
    "GET /test-sends/{run_id}": reads("/test-sends/none", status=404),
    "GET /live/test-sends/{run_id}": reads("/live/test-sends/none", status=404),
}
