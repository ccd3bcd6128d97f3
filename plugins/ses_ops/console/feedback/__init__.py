"""Pages of what comes back: feeds, events without a message, held suppressions, the self-test."""
