# One object, with the keys that scripts rely on.
"$NIN" summary lenet --json
