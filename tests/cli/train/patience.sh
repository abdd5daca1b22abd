# A run whose test accuracy does not grow stops, says so, and goes on when it is told to.
. "$SOURCE/tests/cli/helpers.sh"
"$NIN" train --recipe lecture --resize 0 --model lenet --data drawn --limit 32 --batch 16 --epochs 9 --lr 0 --patience 2 \
    --threads 1 --out run
tail -n 1 run/log.jsonl
"$NIN" train --resume run
"$NIN" train --resume run --patience 0 --json -q >all.json
grep -o '"finished": [a-z]*\|"out_of_patience": [a-z]*' all.json
