# A study trains every row with every seed, tells how runs end, and writes table, plot and results.
cp "$CASES/tiny.rows" .
"$NIN" study stability --rows tiny.rows --out tiny --seeds 2 --threads 1 2>said.txt
grep -v '^run [0-9]' said.txt >&2 # how far it is, where it takes long
find tiny | sort
sed 's/, "seconds.*"isa": "[a-z0-9]*"//; s/\("[a-z]*_\(loss\|acc\)"\): [^,]*/\1: x/g' tiny/results.jsonl
cat tiny/table.md
python3 - <<'PYTHON'
import json

with open("tiny/table.json", encoding="utf-8") as file:
    table = json.load(file)
print(table["conditions"], [row["name"] for row in table["rows"]])
for row in table["rows"]:
    outcomes = ("healthy", "degraded", "plateau", "dead", "diverged")
    assert sum(row[outcome] for outcome in outcomes) == row["runs"] == 2, row
with open("tiny/rows.json", encoding="utf-8") as file:
    print([row["settings"]["lr"] for row in json.load(file)["rows"]])
PYTHON
