"""What came back of mail that has left, and the secrets by which it finds its message."""
