# A sheet is a picture; one that is there is not replaced without --force.
. "$SOURCE/tests/cli/helpers.sh"
try data sheet drawn -o sheet.png --per-class 2
head -c 8 sheet.png | od -An -c
cp sheet.png before
try data sheet drawn -o sheet.png
cmp sheet.png before
try data sheet drawn -o sheet.png --force --split test
cmp -s sheet.png before || echo replaced
try data sheet drawn -o sheet.gif
try data sheet drawn -o nowhere/sheet.png
ls
