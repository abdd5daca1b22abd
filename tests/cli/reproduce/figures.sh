# Curves of errors, and class maps: the pictures are there, and the nets are shared.
set -- --data drawn --limit 20 --batch 10 --epochs 1 --resize 16 --threads 1 --out paper --quiet
"$NIN" reproduce figure3 "$@"
"$NIN" reproduce figure4 "$@" --json
ls paper paper/drawn
head -c 4 paper/figure4.png | tail -c 3
