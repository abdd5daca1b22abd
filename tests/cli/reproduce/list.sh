# What there is of the paper; every net and setting in it is understood.
"$NIN" reproduce list
"$NIN" reproduce list --json | tail -n 1
for model in nin-cifar10-fc nin-cifar10-fc-dropout nin-cifar10-no-dropout; do
    "$NIN" summary $model | grep '^parameters'
done
