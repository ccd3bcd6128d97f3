"""Statements about single messages."""
