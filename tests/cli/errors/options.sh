# Mistakes on the command line: exit code 2, and what was probably meant.
. "$SOURCE/tests/cli/helpers.sh"
try trian
try wibble
try --model nin
try train --momentm 0.9
try train --wibble
try train --lr
try train --st 3
try train -x
try train lenet
try eval --top 3
try eval --lr 3 model.safetensors
try eval
try predict model.safetensors
try eval model.safetensors
try data
try data lst
try data list drawn
try data info
try data sheet drawn
