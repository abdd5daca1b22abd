# Numbers that are no longer finite end the run with 65; the message says where they were seen first.
printf 'input 1x28x28\nflatten\nlinear 32\nlinear 32\nlinear classes\n' >my.net
"$NIN" train --recipe lecture --resize 0 --model my.net --data drawn --limit 64 --batch 16 --lr 1e6 --out run --threads 1 -q
