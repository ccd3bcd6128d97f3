"""Occurrences, chunks, attempts and messages, and what is counted of them."""
