# For the cases: . "$SOURCE/tests/cli/helpers.sh"

# Runs nin and prints its exit code, whatever it is.
try() {
    if "$NIN" "$@"; then
        echo "exit 0: nin $*"
    else
        echo "exit $?: nin $*"
    fi
}

# From here on nin sees the CUDA device of tests/plugins/fake.c.
take_fake_device() {
    export LD_LIBRARY_PATH="$PLUGINS/driver" NIN_PLUGIN_PATH="$PLUGINS/fake"
}

# Trains a small net on a few drawn pictures: little_run DIRECTORY [OPTION...]
little_run() {
    directory=$1
    shift
    "$NIN" train --recipe lecture --resize 0 --model lenet --data drawn --limit 64 --batch 16 \
        --epochs 2 --out "$directory" --threads 1 --quiet "$@"
}

# Waits until a file is there, for half a minute.
wait_for() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || exit 99
        sleep 0.1
    done
}
