# An output that takes nothing is a failure: exit code 74.
. "$SOURCE/tests/cli/helpers.sh"
for command in 'summary nin' 'help' 'help train' '--version' 'data list --json' 'train --print-config'; do
    code=0
    # shellcheck disable=SC2086
    "$NIN" $command >/dev/full || code=$?
    echo "$code: $command"
done
little_run run >/dev/full || echo "$?: train, which is saved all the same:"
ls run
