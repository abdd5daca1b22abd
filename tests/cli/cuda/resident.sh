# On a device that keeps pictures and weights a run learns what it learns on the processor, to the
# digits that the order of sums leaves alone, with everything that can be done to pictures and weights.
. "$SOURCE/tests/cli/helpers.sh"
options="--limit 32 --momentum 0.9 --nesterov --weight-decay 0.001 --clip-norm 1 --ema 0.9
    --test-flip --label-smoothing 0.1 --augment flip,crop=2,erase=0.5,mixup=0.2,cutmix=1"
# Without what AddressSanitizer says of the emulated device's threads.
there() {
    code=0
    "$@" 2>said.txt || code=$?
    grep -v "ASan doesn't fully support makecontext" said.txt >&2 || true
    return $code
}
losses() {
    sed -n 's/.*"step":\([0-9]*\).*"loss":\([0-9.]\{6\}\).*"test_loss":\([0-9.]\{6\}\|null\).*/\1 \2 \3/p' \
        "$1/log.jsonl"
}
little_run here $options
losses here >here.txt
export LD_LIBRARY_PATH="$PLUGINS/driver" NIN_PLUGIN_PATH="$PLUGINS/emulated"
there little_run there $options --device cuda
losses there | diff here.txt - && cat here.txt
# From the processor to the device in the middle of an epoch.
little_run moved $options --device cpu --max-steps 3
there "$NIN" train --resume moved --device cuda --quiet
losses moved | tail -n 1
# What the device does not do is left to the loader.
there little_run loaded $options --device cuda --epochs 1 --gcn 1 --accumulate 2
grep -c '"step"' loaded/log.jsonl
# A step that is not finite is found in the middle of those that were made at once.
printf 'input 1x28x28\nflatten\nlinear 16\nrelu\nlinear 16\nrelu\nlinear classes\n' >small.net
for device in cpu cuda; do
    there little_run bad-$device --model small.net --lr 1e6 --momentum 0.9 --device $device \
        2>bad-$device.txt || echo "exit code $?"
done
sed 's/;.*//' bad-cpu.txt bad-cuda.txt
