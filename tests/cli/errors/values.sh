# Values that are none: exit code 2, and which ones there are.
. "$SOURCE/tests/cli/helpers.sh"
try train --epochs 0
try train --epochs 1.5
try train --batch 99999999999999999999
try train --lr nan
try train --lr ''
try train --momentum 1
try train --schedule cosin
try train --init xaver
try train --flip=maybe
try train --augment flip,crp=2
try train --augment crop=x
try train --last-bias many
try train --recipe quik
try train --device gpu --data drawn
try train --isa avx9 --data drawn
try eval --split tst model.safetensors
try predict --top 0 model.safetensors picture.png
try summary --input 32x32 nin
try bench --mode predict
