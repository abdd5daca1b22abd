# What this machine has; the code says whether nin can train here.
"$NIN" doctor | sed 's/^\(ok\|missing\) *\([a-z-]*\) .*/\2/' | uniq
"$NIN" doctor --json | python3 -c 'import json, sys
result = json.load(sys.stdin)
print(result.keys(), result["can_train"], result["checks"][0].keys())'
