# The fused steps; their algorithms pin the plan.
"$NIN" summary lenet --plan --batch 4 --threads 1
"$NIN" summary lenet --plan --mode infer --threads 1 --json |
    python3 -c 'import json, sys
plan = json.load(sys.stdin)["plan"]
print(sorted(plan), sorted(plan["steps"][0]), plan["threads"], plan["batch"])'
