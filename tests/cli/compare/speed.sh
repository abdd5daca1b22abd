# Speed and memory are measured in turns, of nets by name, from a file, and twice the same.
cp "$SOURCE/models/lenet.net" own.net
"$NIN" compare lenet ./own.net lenet --seconds 1 --measure-batch 2 --threads 1 --picture speed.png
"$NIN" compare nin-mnist --seconds 1 --measure-batch 2 --json >object
python3 - <<'PYTHON'
import json

with open("object", encoding="utf-8") as file:
    compared = json.load(file)
net = compared["nets"][0]
assert compared["batch"] == 2, compared
assert net["train_examples_per_s"] > 0 and net["predict_examples_per_s"] > 0, net
assert net["train_bytes"] > net["predict_bytes"] > 4 * net["params"], net
print(net["name"], net["input"], net["params"], net["first_dense_weights"], net["test_acc"])
with open("speed.png", "rb") as file:
    print(file.read(4))
PYTHON
