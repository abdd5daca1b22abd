# A failed run stops with exit code 1, saved, or begins again with the next seed, a few times; --health=no
# sees nothing, and resuming may decide anew.
. "$SOURCE/tests/cli/helpers.sh"
cp "$CASES/maps.net" .
dying() {
    directory=$1
    shift
    try train --recipe lecture --resize 0 --model maps.net --data drawn --limit 64 --batch 16 \
        --epochs 30 --last-bias -1e4 --threads 1 --out "$directory" "$@" >>out
}
dying stop -q --on-failure stop
dying restart --on-failure restart --restarts 1
dying unseen -q --health=no
dying wrong -q --health=no --on-failure stop
dying continue -q
try train --resume stop --on-failure stop -q >>out
try train --resume stop --on-failure continue -q >>out
sed 's/loss .*/RESULT/; s/.* examples.sec .*/RESULT/' out
python3 - <<'END'
import json
for name in "stop", "restart", "unseen", "continue":
    lines = [json.loads(line) for line in open(name + "/log.jsonl")]
    print(name, [
        (line["step"], line["finding"], line.get("restart")) for line in lines if "finding" in line
    ])
END
