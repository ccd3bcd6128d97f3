"""Single messages: how they are accepted, shown and repeated."""
