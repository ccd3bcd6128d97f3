"""Statistics: sums of the counts that sending, events, opens and clicks have written."""
