"""One process's work on one chunk: its claim, its journal, the ledger's side of it."""
