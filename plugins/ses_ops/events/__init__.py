"""What others tell of mail that has left: one file a format, one a provider; and the tokens by which they find it."""
