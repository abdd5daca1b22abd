# Every recipe's settings are understood.
for file in "$SOURCE"/recipes/*.conf; do
    recipe=$(basename "$file" .conf)
    "$NIN" train --recipe "$recipe" --print-config >recipe
    "$NIN" train --config "$file" --print-config | diff recipe -
    echo "$recipe"
done
