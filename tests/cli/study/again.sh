# No run is made twice, more seeds only add runs, and other settings or data are refused.
cp "$CASES/tiny.rows" .
. "$SOURCE/tests/cli/helpers.sh"
study() {
    try study stability --rows tiny.rows --out tiny --threads 1 --only plain "$@"
}
study --seeds 2 --json --quiet | sed '1s/.*/done/'
cp tiny/results.jsonl before
study --seeds 2 --quiet >table
cmp before tiny/results.jsonl
study --seeds 3 --quiet >table
head -n 2 tiny/results.jsonl | cmp before -
wc -l <tiny/results.jsonl
study --lr 0.2
study --limit 32
study --max-steps 3
study --seeds 5 --report --quiet --threads 2
printf '{"row": "plain", "se' >>tiny/results.jsonl
study --seeds 3 --quiet >table
wc -l <tiny/results.jsonl
echo nonsense >>tiny/results.jsonl
study --seeds 3 --quiet
