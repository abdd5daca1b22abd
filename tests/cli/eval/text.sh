# Loss and accuracy, the scores of each class, and what is taken for what.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
"$NIN" eval run/last.safetensors --data drawn --limit 40 --threads 1
