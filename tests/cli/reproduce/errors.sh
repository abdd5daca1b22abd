# Data that is not here, and words that are none.
. "$SOURCE/tests/cli/helpers.sh"
try reproduce
try reproduce figur4
try reproduce table1
try reproduce table1 --data drawn --epochs 0
try reproduce table5 --data drawn --limit 10 --nesterov --momentum 0
ls
