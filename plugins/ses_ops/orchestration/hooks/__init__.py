"""Hooks for people's own DAGs."""
