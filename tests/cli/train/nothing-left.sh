# A run that cannot begin leaves no directory.
. "$SOURCE/tests/cli/helpers.sh"
try train --recipe lecture --resize 0 --model lenet --data drawn --nesterov --out run -q
try train --recipe lecture --resize 0 --model lenet --data drawn --schedule step --out run -q
: >file
try train --recipe lecture --resize 0 --model lenet --data drawn --out file/run -q
ls
