"""Recipient groups: list, upload, imports."""
