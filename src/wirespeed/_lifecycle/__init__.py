"""The life of an open connection: closing, keep-alive, Pings, heartbeats, the frame log."""
