# A command explains itself in three ways, on the standard output.
"$NIN" help eval
"$NIN" help eval >one
"$NIN" eval --help | cmp - one
"$NIN" eval -h | cmp - one
"$NIN" eval --usage
