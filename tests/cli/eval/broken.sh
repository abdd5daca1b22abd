# Models that are cut short, changed or something else.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
head -c 100000 run/last.safetensors >short.safetensors
try eval short.safetensors --data drawn
printf 'no model' >text.safetensors
try eval text.safetensors --data drawn
cp run/last.safetensors changed.safetensors
printf 'x' | dd of=changed.safetensors bs=1 seek=200000 conv=notrunc 2>/dev/null
try eval changed.safetensors --data drawn
try eval . --data drawn
