# A run that is stopped after some steps and resumed ends with the same bits as one that is not.
. "$SOURCE/tests/cli/helpers.sh"
little_run whole --momentum 0.9
little_run parts --momentum 0.9 --max-steps 3
"$NIN" train --resume parts --max-steps 5 -q --threads 2
"$NIN" train --resume parts -q
for file in last.safetensors best.safetensors curves.svg; do
    cmp "whole/$file" "parts/$file"
done
"$NIN" train --resume parts
