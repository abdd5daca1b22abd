# A run begun on the processor goes on on the device, and back. The fake one computes as the
# processor does, so that nothing of the run may get lost on the way.
. "$SOURCE/tests/cli/helpers.sh"
little_run whole
little_run moved --max-steps 3
take_fake_device
"$NIN" train --resume moved --max-steps 5 --device cuda --quiet
grep -E '"(device|isa|hardware)"' moved/config.json
# It stays where it is now.
"$NIN" train --resume moved --max-steps 6 --quiet
"$NIN" train --resume moved --quiet --device cpu
grep '"device"' moved/config.json
cmp whole/last.safetensors moved/last.safetensors
# A device that is lost, or that is not there any more.
little_run lost --max-steps 2
NIN_FAKE=lost try train --resume lost --quiet
NIN_FAKE=none try train --resume lost --quiet
"$NIN" train --resume lost --quiet --device cpu
cmp whole/last.safetensors lost/last.safetensors
# --config does a run again where it was done.
little_run first --epochs 1
"$NIN" train --config first/config.json --out again --quiet
cmp first/last.safetensors again/last.safetensors
