# The lecture's nets: parameters, first dense layers (48 k, 26 M, 102 M) and work, as it tells them.
"$NIN" compare --seconds 0 --picture sizes.svg
"$NIN" compare nin vgg11 --seconds 0 --json
head -c 5 sizes.svg
