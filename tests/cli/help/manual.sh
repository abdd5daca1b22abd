# The options in the manual pages are those of --help, and every command has a page.
python3 "$SOURCE/man/options.py" --nin "$NIN" --check
"$NIN" help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | sort >commands
for page in "$SOURCE"/man/nin-*.1; do
    basename "$page" .1 | sed 's/^nin-//'
done | sort | diff commands -
