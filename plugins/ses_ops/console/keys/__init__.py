"""Pages of keys of programs: the list, a new one, its secret once, and how to begin with it."""
