# Why a CUDA device cannot be had, each with exit code 69, and what is no device at all.
. "$SOURCE/tests/cli/helpers.sh"
bench() {
    try bench --model lenet --batch 1 --seconds 0 "$@"
}
bench --device cuda
bench --device cuda:3
bench --math bf16
bench --device cpu --math bf16
bench --math bf61
bench --device cudo

mkdir plugins
export NIN_PLUGIN_PATH="$PWD/plugins"
echo "this is no library" >plugins/libnin-cuda.so
echo "nor is this" >libcuda.so.1
LD_LIBRARY_PATH=. bench --device cuda
export LD_LIBRARY_PATH="$PLUGINS/driver"
bench --device cuda
cp "$PLUGINS/driver/libcuda.so.1" plugins/libnin-cuda.so
bench --device cuda
bench --device auto --json

take_fake_device
for wrong in version abi driver none outdated old memory; do
    NIN_FAKE=$wrong bench --device cuda:0
done
NIN_FAKE=none bench --math tf32
NIN_FAKE=old bench --device cuda --json
bench --device cuda:1
bench --device cuda:x
bench --device cuda --isa avx2
bench --device cuda --algorithms 0=direct
