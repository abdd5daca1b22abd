# A reader that goes early is not an error that is worth a message.
"$NIN" help train | head -n 1
"$NIN" train --model lenet --data drawn --limit 16 --batch 16 --epochs 1 --out run -q | true
ls run | head -n 1
