# What computes does so on the device, and says so.
. "$SOURCE/tests/cli/helpers.sh"
take_fake_device
"$NIN" train --recipe lecture --model lenet --resize 0 --data drawn --limit 64 --batch 16 \
    --epochs 1 --out run --threads 1 --math bf16 --deterministic
grep -A 8 '"session"' run/config.json
grep -E '"(device|math|deterministic)"' run/config.json
"$NIN" train --recipe lecture --model lenet --resize 0 --data drawn --limit 64 --batch 16 \
    --epochs 1 --out other --threads 1 --quiet --json
"$NIN" eval run/last.safetensors --data drawn --limit 20 --threads 1 --json >/dev/null
"$NIN" data sheet drawn -o one.png --per-class 1 -q >/dev/null
"$NIN" predict run/last.safetensors one.png --device cuda --top 1 --threads 1 >/dev/null
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --steps
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --device cuda:0 --json
"$NIN" summary lenet --plan --threads 1 --algorithms own --device cuda | tail -n 3
"$NIN" compare lenet --seconds 1 --batch 2 --threads 1 | grep "on cuda"
# Who names an instruction set or algorithms means the processor.
"$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --isa generic | head -n 1
