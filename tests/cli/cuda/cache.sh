# The fastest algorithms are kept in the user's cache directory, and taken from there.
. "$SOURCE/tests/cli/helpers.sh"
take_fake_device
export XDG_CACHE_HOME="$PWD/cache"
file=cache/nin/cuda-Fake-Accelerator-sm_90-4.txt
bench() {
    "$NIN" bench --model lenet --batch 2 --seconds 0 --threads 1 --json "$@" >/dev/null
}
bench
cat "$file"
echo "-- again: it stays as it is"
ls -i "$file" >before
bench
ls -i "$file" | cmp before -
echo "-- another batch"
bench --batch 3
tail -n +3 "$file" | wc -l
echo "-- another version, or garbage: replaced"
NIN_FAKE=upgraded bench
grep -c "cuBLASLt 13.2.0" "$file"
tail -n +3 "$file" | wc -l
echo garbage >"$file"
bench
grep -c "cuBLASLt 13.1.0" "$file"
echo "-- speed decides nothing: nothing is kept"
rm -r cache
bench --deterministic
bench --algorithms own --device cuda
ls cache 2>/dev/null || echo none
echo "-- no place for it"
echo file >cache
bench
XDG_CACHE_HOME=relative bench
ls "$HOME/.cache/nin"
unset XDG_CACHE_HOME
HOME='' bench
"$NIN" doctor | grep "CUDA cache"
HOME='' "$NIN" doctor | grep "CUDA cache"
