# Fine-tuning: the model's net and preprocessing are taken, what tells classes apart is drawn anew
# where there is another number of them, and frozen layers stay.
. "$SOURCE/tests/cli/helpers.sh"
little_run start --optimizer adam --lr 0.002 >start.txt
python3 - <<'END'
import pathlib
import struct

three = pathlib.Path("three")
three.mkdir()
for split in "train", "t10k":
    pixels = bytes(i * i % 251 for i in range(6 * 28 * 28))
    (three / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, 6, 28, 28) + pixels)
    labels = bytes(i % 3 for i in range(6))
    (three / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, 6) + labels)
END
tune() {
    "$NIN" train --from start/last.safetensors --epochs 1 --batch 3 --threads 1 "$@"
}
tune --data three --out tuned --freeze '0.*,3.*' >tuned.txt
tune --data three --out more --max-steps 1 -q >more.txt
mv start moved # the run has all it needs
"$NIN" train --resume more -q >more.txt
mv moved start
tune --data drawn --limit 32 --out same --optimizer adamw --ema 0.9 --accumulate 2 \
    --lr-scale last=0.1,bias=2 >same.txt
python3 - <<'END'
import json
import struct


def tensors(path):
    content = open(path, "rb").read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    header.pop("__metadata__")
    at = 8 + size
    return {
        name: content[at + t["data_offsets"][0] : at + t["data_offsets"][1]]
        for name, t in header.items()
    }


start = tensors("start/last.safetensors")
for run in "tuned", "more", "same":
    now = tensors(f"{run}/last.safetensors")
    print(run, "keeps", *sorted(name for name in now if now[name] == start[name]))
END
try train --from start/last.safetensors --data drawn --resize 32
try train --from start/last.safetensors --data drawn --model alexnet
try train --from nowhere.safetensors --data drawn
