# The command line counts before the file, the file before the recipe, the recipe before the defaults.
# What --print-config prints is a file that gives the same settings again.
printf 'lr = 0.2 # faster\nmomentum = 0.5\naugment = flip,crop=1\n' >my.conf
"$NIN" train --recipe quick --config my.conf --lr 0.3 --crop-padding 3 --print-config
"$NIN" train --recipe quick --config my.conf --lr 0.3 --crop-padding 3 --print-config >all.conf
"$NIN" train --config all.conf --print-config | diff all.conf -
"$NIN" train --print-config | grep -E '^(model|data|epochs|batch|lr|momentum|schedule|init) ='
