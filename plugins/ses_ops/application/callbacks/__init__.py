"""Use cases of callbacks: events posted to addresses of the user's own."""
