# What happens to pictures is kept with the model, and evaluation and prediction do the same.
. "$SOURCE/tests/cli/helpers.sh"
little_run run --normalize dataset --gcn 28 --augment flip,crop=2,erase=0.5,mixup=0.2,cutmix=1 --test-flip \
    >/dev/null
python3 - <<'END'
import json, struct
with open("run/last.safetensors", "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    metadata = json.loads(file.read(size))["__metadata__"]
preprocess = json.loads(metadata["nin.preprocess"])
print(preprocess["gcn"], round(preprocess["mean"][0], 4), round(preprocess["std"][0], 4))
END
tail -n 1 run/log.jsonl >last.json
"$NIN" eval run/last.safetensors --data drawn --limit 64 --json >plain.json
"$NIN" eval run/last.safetensors --data drawn --limit 64 --flip --json >flip.json
"$NIN" data sheet drawn -o sheet.png --per-class 1 --quiet
"$NIN" predict run/last.safetensors sheet.png --json >seen.json
"$NIN" predict run/last.safetensors sheet.png --flip --json >both.json
python3 - <<'END'
import json
last, plain, flip = (json.load(open(name + ".json")) for name in ("last", "plain", "flip"))
assert abs(last["test_loss"] - flip["loss"]) < 1e-6 and abs(plain["loss"] - flip["loss"]) > 1e-6
assert json.load(open("seen.json"))["logits"] != json.load(open("both.json"))["logits"]
END
"$NIN" train --resume run --gcn 3 || echo "exit $?"
