# A short run: what it says, and what it leaves.
"$NIN" train --recipe lecture --resize 0 --model lenet --data drawn --limit 64 --batch 16 --epochs 2 --out run --threads 1
ls run
