# Help for a command that is not there.
"$NIN" help evel
