"""The work of one process on one chunk: claim, journal, ledger, feed."""
