# Lists all commands and how to begin.
"$NIN" help
"$NIN" --help >other
"$NIN" help | cmp - other
