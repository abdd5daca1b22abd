# The range test leaves three files and no run, prints what it suggests, and touches no run.
. "$SOURCE/tests/cli/helpers.sh"
find_lr() {
    "$NIN" train --find-lr --model lenet --data drawn --limit 400 --batch 8 --threads 1 "$@"
}
find_lr --out lr --init he --momentum 0.9
ls lr
find_lr --out json --json -q --find-lr-from 1e-4 --find-lr-to 0.1 --find-lr-steps 20
python3 - <<'END'
import json

range = json.load(open("json/lr-range.json"))
print(*range, len(range["points"]), *range["points"][0])
END
little_run run --max-steps 1 >run.txt
try train --find-lr --model lenet --data drawn --out run
try train --find-lr --resume run
try train --find-lr --find-lr-to 0
try train --find-lr-steps 10
try train --find-lr --find-lr-from 2 --find-lr-to 1 --model lenet --data drawn --out none
test ! -e none
