"""The service `public` is handed the setting of every provider's hook, and no other service is."""

from __future__ import annotations

from ses_ops.events.provider_hooks import HOOKS


def test_every_hook_can_be_switched_on_in_the_environment_of_the_listener_alone(raw_compose):
    settings = {hook.setting for hook in HOOKS}
    handed = {
        name: settings & set(service.get("environment") or {}) for name, service in raw_compose["services"].items()
    }
    assert {name: found for name, found in handed.items() if found} == {"public": settings}
