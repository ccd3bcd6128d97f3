"""Quota days of sender domains."""
