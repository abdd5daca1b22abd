# A small net learns the drawn shapes, and its best model does as well as the run says.
cat >my.net <<'END'
input 1x28x28
nin_block 16 kernel=5 stride=2 padding=2 batch_norm
nin_block 32 kernel=3 stride=2 padding=1 batch_norm
flatten
linear classes
END
"$NIN" train --model my.net --data drawn --epochs 3 --batch 64 --lr 0.05 --momentum 0.9 --init he \
    --schedule cosine --threads 1 --out run --json -q >run.json
"$NIN" eval run/best.safetensors --data drawn --threads 1 --json >eval.json
python3 - <<'END'
import json
run, measured = json.load(open("run.json")), json.load(open("eval.json"))
assert run["test_acc"] > 0.7, run
assert abs(run["best_acc"] - measured["accuracy"]) < 1e-6, (run, measured["accuracy"])
END
