# SIGINT and SIGTERM finish the step, save and end with 130 and 143; the run goes on to the same bits.
. "$SOURCE/tests/cli/helpers.sh"
set -- --model lenet --data drawn --limit 1500 --batch 5 --epochs 10 --threads 1
"$NIN" train "$@" --out whole -q
for signal in INT TERM; do
    "$NIN" train "$@" --out "$signal" 2>said &
    wait_for "$signal/log.jsonl"
    kill -s "$signal" $!
    code=0
    wait $! || code=$?
    echo "$code"
    tail -n 3 said
    "$NIN" train --resume "$signal" -q
    cmp whole/last.safetensors "$signal/last.safetensors"
    cmp whole/curves.svg "$signal/curves.svg"
done
