# A picture that cannot be read does not keep the others from being done; the first failure counts.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
"$NIN" data sheet drawn -o good.png --per-class 1 -q
head -c 1000 good.png >short.png
mkdir empty
try predict run/last.safetensors short.png good.png none.png
try predict run/last.safetensors none.png short.png good.png --json
try predict run/last.safetensors empty
