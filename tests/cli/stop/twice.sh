# Two programs do not train in one directory.
. "$SOURCE/tests/cli/helpers.sh"
"$NIN" train --model lenet --data drawn --batch 1 --epochs 1000 --threads 1 --out run -q &
wait_for run/log.jsonl
try train --resume run -q
kill -s TERM $!
wait $! || echo "$?"
