# One object, with the keys that scripts rely on; it agrees with itself.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
"$NIN" eval run/last.safetensors --data drawn --limit 50 --batch 7 --split train --json >result.json
python3 - <<'END'
import json
result = json.load(open("result.json"))
print(result.keys(), result["examples"])
print(result["classes"][0].keys(), [row["name"] for row in result["classes"]])
confusion = result["confusion"]
assert sum(map(sum, confusion)) == result["examples"]
assert [sum(row) for row in confusion] == [row["support"] for row in result["classes"]]
assert abs(sum(confusion[i][i] for i in range(10)) / 50 - result["accuracy"]) < 1e-9
END
