"""Opens and clicks, their verdicts, and their counts."""
