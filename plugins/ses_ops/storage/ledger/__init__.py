"""The ledger: occurrences, chunks, attempts, messages, and their counts."""
