# config.json says how to do a run again: its algorithms too, and to the same bits.
. "$SOURCE/tests/cli/helpers.sh"
little_run first --lr 0.2 --isa generic --algorithms 3=direct >first.txt
"$NIN" train --config first/config.json --out again --quiet >again.txt
[ "$(head -n 1 first.txt)" = "$(head -n 1 again.txt)" ]
cmp first/last.safetensors again/last.safetensors
python3 - <<'END'
import json
first, again = (json.load(open(name + "/config.json")) for name in ("first", "again"))
print(first["session"] == again["session"], "3=direct" in first["session"]["algorithms"].split(","))
# What was chosen then is taken, not what would be chosen now.
first["settings"].update(isa="auto", algorithms="")
first["session"]["algorithms"] = first["session"]["algorithms"].replace("3=direct", "3=winograd2")
json.dump(first, open("chosen.json", "w"))
END
"$NIN" train --config chosen.json --print-config |
    grep -oE '^(device|isa|lr) = .*|3=winograd2'
"$NIN" train --config chosen.json --isa auto --algorithms '' --print-config |
    grep -E '^(isa|algorithms) ='
echo '{"net": 1}' >other.json
try train --config other.json
echo '{"net": 1' >other.json
try train --config other.json
