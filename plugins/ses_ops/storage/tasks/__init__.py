"""Send tasks, their editions, test sends."""
