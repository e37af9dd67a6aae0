"""The command line: its arguments, and each subcommand."""
