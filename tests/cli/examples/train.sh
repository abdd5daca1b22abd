# The examples that README points to work, and the smallest one is the text that README shows.
"$EXAMPLES/train" run | sed 's/[0-9.]\{5\}/N/g'
ls run
"$NIN" data sheet drawn -o sheet.png -q
"$EXAMPLES/classify" run/last.safetensors sheet.png | sed 's/^ *[0-9.]* %/N %/'
"$EXAMPLES/classify" nowhere.safetensors sheet.png || echo "exit $?"
sed -n '/^```c$/,/^```$/p' "$SOURCE/README.md" | sed '1d;$d' | cmp - "$SOURCE/examples/smallest.c"
cp run/last.safetensors best.safetensors
cp sheet.png picture.png
"$EXAMPLES/smallest" | sed 's/[-0-9.e]*$/N/'
