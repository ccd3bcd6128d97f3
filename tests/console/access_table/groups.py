"""Who gets what from groups/list.py, upload.py and imports.py."""

from tests.console.access_table import changes, exports, needs_right, reads

NOBODYS = "00000000-0000-4000-8000-000000000000"

ROUTES = {
    "GET /groups": reads("/groups"),
    "GET /groups/{name}": reads("/groups/customers"),
    "GET /groups/{name}/sample.csv": reads("/groups/customers/sample.csv"),
    "GET /group-sample": reads("/group-sample?template=hello"),
    "POST /groups/{name}/describe": changes("/groups/customers/describe", description="ours"),
    "POST /groups/{name}/delete": changes("/groups/customers/delete", confirmed="yes"),
    "GET /new-group": needs_right("/new-group"),
    "POST /new-group": changes("/new-group", name="others"),
    "GET /groups/{name}/upload": needs_right("/groups/customers/upload"),
    # No file was chosen; uploads of every person are in test_group_upload.py.
    "POST /groups/{name}/upload": changes("/groups/customers/upload", status=422, audited=False),
    "POST /new-group/look": changes("/new-group/look", status=400, audited=False),
    "POST /groups/{name}/look": changes("/groups/customers/look", status=400, audited=False),
    "GET /groups/{name}/recipients.csv": exports(
        "/groups/customers/recipients.csv", rule="changes_console", viewer=403
    ),
    "GET /imports/{id}": reads(f"/imports/{NOBODYS}", status=404),
    "GET /live/imports/{id}": reads(f"/live/imports/{NOBODYS}"),
    "GET /imports/{id}/rejected.csv": reads(f"/imports/{NOBODYS}/rejected.csv", status=404),
    "POST /imports/{id}/stop": changes(f"/imports/{NOBODYS}/stop", status=404, audited=False),
}
