# A study that is stopped in a run goes on in that run, and ends with the same results.
cp "$CASES/tiny.rows" .
set -- --rows tiny.rows --threads 1 --only plain --seeds 2 --epochs 400 --quiet
"$NIN" study stability "$@" --out whole >table
"$NIN" study stability "$@" --out parts >table &
tries=0
until [ -s parts/run-plain-0/log.jsonl ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || exit 99
    sleep 0.02
done
kill -s INT $!
code=0
wait $! || code=$?
echo "$code"
ls parts
"$NIN" study stability "$@" --out parts >table
ls parts
for study in whole parts; do
    sed 's/, "seconds.*//' "$study/results.jsonl" >"$study.results"
done
cmp whole.results parts.results
cmp whole/table.md parts/table.md
cmp whole/plot.png parts/plot.png
