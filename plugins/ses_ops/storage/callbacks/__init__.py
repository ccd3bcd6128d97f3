"""Callbacks: endpoints, events that wait for them, and what was posted."""
