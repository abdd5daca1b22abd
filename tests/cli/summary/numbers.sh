# Parameters and multiply-accumulates of every net, as computed from the definitions.
for net in nin lenet alexnet vgg11 vgg11-small nin-cifar10 nin-cifar100 nin-svhn nin-mnist \
    nin-imagenet; do
    printf '%s ' "$net"
    "$NIN" summary "$net" | awk '/^parameters/ { p = $2 } /^multiply/ { print p, $2 }'
done
"$NIN" summary nin --input 3x224x224 | grep -E '^(parameters|multiply)'
