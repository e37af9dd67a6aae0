"""Instructions and cache misses a message, counted by valgrind: a benchmark that is steady."""
