# What cannot be fetched, and a server that is not there.
. "$SOURCE/tests/cli/helpers.sh"
try data fetch drawn
try data fetch fashion-mnits
try data fetch fashion-mnist --url http://127.0.0.1:9/ --data-dir .
