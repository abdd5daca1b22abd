# What cannot be compared is named.
. "$SOURCE/tests/cli/helpers.sh"
try compare nix
try compare --model nin
try compare nowhere.safetensors
try compare lenet --seconds -1
try compare lenet --seconds 0 --picture lenet.gif
try compare lenet --train --data nowhere
try compare lenet --train --data drawn --limit 16 --seconds 0 --nesterov --out runs
ls
