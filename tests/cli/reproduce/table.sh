# A table on other data and shortened: it says so everywhere; its runs are made once.
set -- --data drawn --limit 20 --batch 10 --epochs 1 --threads 1 --out paper
"$NIN" reproduce table4 "$@"
"$NIN" reproduce table4 "$@" --quiet
cat paper/table4.md
python3 -c 'import json; t = json.load(open("paper/table4.json")); print(t["shortened"], t["remark"])'
ls paper paper/drawn
sed -n 's/.*"\(step-epochs\|lr-scale\|momentum\)"/\1/p' paper/drawn/mnist-dropout/config.json
