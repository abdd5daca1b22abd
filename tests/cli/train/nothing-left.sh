# A run that cannot begin leaves no directory.
. "$SOURCE/tests/cli/helpers.sh"
try train --model lenet --data drawn --nesterov --out run -q
try train --model lenet --data drawn --schedule step --out run -q
: >file
try train --model lenet --data drawn --out file/run -q
ls
