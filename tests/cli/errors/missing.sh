# Inputs that are not there: exit code 66, and what can be done.
. "$SOURCE/tests/cli/helpers.sh"
mkdir empty
try train --data fashion-mnits
try train --data empty
try train --model lenett --data drawn
try train --model my.net --data drawn
try train --config my.conf
try train --resume runs/none
try eval none.safetensors --data drawn
try predict none.safetensors picture.png
try summary none.net
try summary nine
