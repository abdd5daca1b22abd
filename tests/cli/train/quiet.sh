# -q leaves the result alone.
. "$SOURCE/tests/cli/helpers.sh"
little_run run
