"""Where the user's lines come from: a terminal with line editing, or standard input of any kind."""
