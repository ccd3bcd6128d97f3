"""Recipient groups and their imports."""
