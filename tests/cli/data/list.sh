# Known names, and where they are: with a directory of our own that has nothing, then with one.
"$NIN" data list | awk '{ print $1 }'
"$NIN" data list --json | tail -n 1
