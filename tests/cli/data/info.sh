# What the drawn pictures are: the same on every machine.
"$NIN" data info drawn
"$NIN" data info drawn --json
