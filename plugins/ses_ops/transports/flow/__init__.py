"""Flow control for any transport: pace, throttle, backoff; no protocol is known here."""
