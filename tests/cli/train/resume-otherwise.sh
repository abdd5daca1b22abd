# A run goes on as it was: what its result depends on cannot change.
. "$SOURCE/tests/cli/helpers.sh"
little_run run --max-steps 2
try train --resume run --lr 0.2
try train --resume run --recipe quick
try train --resume run --out other
try train --resume run --lr 0.1 --max-steps 3 -q
rm run/state
try train --resume run -q
printf '{' >run/config.json
try train --resume run -q
