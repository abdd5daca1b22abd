# The result as an object; the log and config.json have the keys that scripts rely on.
. "$SOURCE/tests/cli/helpers.sh"
little_run run --json >result.json
python3 - <<'END'
import json
print(json.load(open("result.json")).keys())
for line in open("run/log.jsonl"):
    point = json.loads(line)
    print(*point, point["step"], point["epoch"])
config = json.load(open("run/config.json"))
print(config.keys())
print(config["settings"])
print(config["data"]["train"])
END
