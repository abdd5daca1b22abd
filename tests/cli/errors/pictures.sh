# What cannot be made of pictures: said before anything is written.
. "$SOURCE/tests/cli/helpers.sh"
try train --data drawn --normalize 0.5 --out run
try train --data drawn --normalize 0.5,0 --out run
try train --data drawn --normalize 0.5,nan --out run
try train --data drawn --normalize data --out run
try train --data drawn --gcn=-1 --out run
try train --data drawn --whiten pca --out run
try train --data drawn --crop-padding 40 --out run
try data sheet drawn -o sheet.png --augment erase
try data sheet drawn -o sheet.png --mixup -1
little_run first --normalize dataset >/dev/null
try train --data drawn --from first/last.safetensors --gcn 28 --out run
ls
