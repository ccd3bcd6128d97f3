"""Callbacks: endpoints, what waits to be posted to them, and what was posted."""
