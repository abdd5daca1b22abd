# Every command that is listed has help, usage and version.
"$NIN" help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' >commands
while read -r command; do
    "$NIN" "$command" --help | grep -c '^Usage: nin ' >/dev/null
    "$NIN" "$command" --usage | grep -c '^Usage: nin ' >/dev/null
    "$NIN" "$command" --version
done <commands
