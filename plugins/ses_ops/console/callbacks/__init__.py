"""Pages of callbacks: the endpoints, how they are, and what was posted."""
