# Files, a directory and the standard input; any size and colours; the same answer for the same picture.
. "$SOURCE/tests/cli/helpers.sh"
little_run run >/dev/null
mkdir pictures
"$NIN" data sheet drawn -o pictures/b.png --per-class 1 -q
"$NIN" data sheet drawn -o pictures/a.png --per-class 2 -q
: >pictures/notes.txt
"$NIN" predict run/last.safetensors pictures/a.png
"$NIN" predict run/last.safetensors pictures --top 1
"$NIN" predict run/last.safetensors - <pictures/a.png
"$NIN" predict run/last.safetensors pictures/a.png | sed 's/.*: //' >one
"$NIN" predict run/last.safetensors - <pictures/a.png | sed 's/.*: //' | cmp - one
"$NIN" predict run/last.safetensors pictures/a.png --top 99 | tr ',' '\n' | wc -l
