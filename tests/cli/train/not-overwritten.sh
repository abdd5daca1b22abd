# A run is not written over another one.
. "$SOURCE/tests/cli/helpers.sh"
little_run run --max-steps 1
try train --model lenet --data drawn --out run
