"""From a URL to an open transport: addresses, TCP, TLS, Unix sockets and proxies."""
