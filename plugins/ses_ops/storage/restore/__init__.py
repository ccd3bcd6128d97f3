"""A ledger that was restored from a backup: where it is at home, and what may have been sent since."""
