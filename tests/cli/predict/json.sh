# One object a picture, with the keys that scripts rely on.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
"$NIN" data sheet drawn -o "$(printf 'a \351.png')" --per-class 1 -q
"$NIN" predict run/last.safetensors ./*.png --top 2 --json >result.json
python3 - <<'END'
import json, math
(line,) = open("result.json", encoding="utf-8")
result = json.loads(line)
print(ascii(result["file"]), result.keys(), result["top"][0].keys(), len(result["top"]))
logits = result["logits"]
best = max(range(10), key=logits.__getitem__)
assert result["top"][0]["index"] == best
share = 1 / sum(math.exp(value - logits[best]) for value in logits)
assert abs(share - result["top"][0]["probability"]) < 1e-6
END
