"""Who gets what from domains/pages.py."""

from tests.console.access_table import reads

ROUTES = {
    "GET /domains": reads("/domains"),
    "GET /live/domains": reads("/live/domains"),
    "GET /domains/{domain:path}": reads("/domains/mail.example.com"),
    "GET /live/domain-reputation/{domain:path}": reads("/live/domain-reputation/mail.example.com"),
    "GET /live/domains/{domain:path}": reads("/live/domains/mail.example.com"),
}
