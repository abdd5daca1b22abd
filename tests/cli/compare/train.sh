# Nets are trained side by side, each in a directory of its own, once; a trained one is measured.
set -- --data drawn --limit 64 --batch 16 --epochs 2 --seconds 0 --out runs --threads 1
"$NIN" compare lenet nin-mnist --train "$@"
ls runs runs/lenet
"$NIN" compare lenet nin-mnist --train "$@" --json 2>said >object
cat said
python3 -c 'import json; print([(n["name"], n["epochs"]) for n in json.load(open("object"))["nets"]])'
"$NIN" compare runs/lenet/last.safetensors --data drawn --limit 64 --seconds 0
"$NIN" eval runs/lenet/last.safetensors --data drawn --limit 64 --json | grep -o '"accuracy": [0-9.]*'
"$NIN" train --config runs/lenet/config.json --out again --quiet
cmp runs/lenet/last.safetensors again/last.safetensors
