# Settings that do not go together are refused before the plan is shown or a directory made.
. "$SOURCE/tests/cli/helpers.sh"
wrong() {
    try train --recipe lecture --resize 0 --model lenet --data drawn --limit 64 --out run "$@"
    test ! -e run
}
wrong --nesterov
wrong --optimizer adam --momentum 0.9
wrong --schedule step
wrong --freeze '0.*,12.*'
wrong --lr-scale last=0.1,bais=2
wrong --decay-scale 0.weight
