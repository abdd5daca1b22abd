# Every recipe's settings are understood, and printed so that they can be given again.
for file in "$SOURCE"/recipes/*.conf; do
    recipe=$(basename "$file" .conf)
    "$NIN" train --recipe "$recipe" --print-config >recipe
    "$NIN" train --config recipe --print-config | diff recipe -
    echo "$recipe"
done
# Without one it is steady; its momentum is for SGD alone.
"$NIN" train --print-config >default
"$NIN" train --recipe steady --print-config | diff default -
"$NIN" train --optimizer adam --print-config | diff default - || true
