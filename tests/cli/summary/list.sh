# Without a name: the nets there are.
"$NIN" summary
"$NIN" summary --json
