# Speed, with the keys that scripts rely on.
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1
for mode in train infer; do
    "$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --mode "$mode" --json
done
# Each step of the plan.
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --steps
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --steps --mode infer --json
"$NIN" bench --model lenet --batch 2 --seconds 0 --steps --device reference
