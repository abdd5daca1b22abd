# Without --out the run gets a directory named after the net and the time.
"$NIN" train --model lenet --data drawn --limit 16 --batch 16 --epochs 1 --threads 1 -q
ls runs | sed 's/[0-9]\{8\}-[0-9]\{6\}$/DATE-TIME/'
