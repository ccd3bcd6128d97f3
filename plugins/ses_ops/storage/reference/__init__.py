"""What the reference's API keeps, and its lists, which are in pages by number."""
