"""Opening a connection: redirects, one attempt, retries and reconnecting."""
