# What the health watch finds is told once, logged, and told again at the end; the run goes on.
cp "$CASES/maps.net" .
"$NIN" train --recipe lecture --resize 0 --model maps.net --data drawn --limit 64 --batch 16 --epochs 15 --last-bias -1e4 \
    --threads 1 --out run
python3 - <<'END'
import json
for line in open("run/log.jsonl"):
    point = json.loads(line)
    if "finding" in point:
        print(json.dumps(point, indent=1))
END
"$NIN" train --resume run --json -q | python3 -c '
import json, sys
result = json.load(sys.stdin)
for key in "failed", "restarts", "seed", "findings":
    print(key, result[key])
'
