# Closed streams: nothing is written where it does not belong.
code=0
"$NIN" summary nin >&- || code=$?
echo "$code"
"$NIN" train --model lenet --data drawn --limit 16 --batch 16 --epochs 1 --out run -q <&- >&- || echo "$?"
head -c 1 run/config.json
tail -c 2 run/log.jsonl
"$NIN" summary nin <&- 2>&- | head -n 1
