# A data set in a directory, by path, by $NIN_DATA and by --data-dir; and a broken one.
. "$SOURCE/tests/cli/helpers.sh"
mkdir -p sets/fashion-mnist
python3 - <<'END'
import struct
for split, count in ("train", 4), ("t10k", 2):
    with open(f"sets/fashion-mnist/{split}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">4i", 0x803, count, 2, 3) + bytes(range(6)) * count)
    with open(f"sets/fashion-mnist/{split}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">2i", 0x801, count) + bytes(range(count)))
END
"$NIN" data info sets/fashion-mnist
NIN_DATA=sets "$NIN" data info fashion-mnist | head -n 2
"$NIN" data info fashion-mnist --data-dir sets | head -n 2
XDG_DATA_HOME=$PWD/home "$NIN" data info fashion-mnist --data-dir nowhere >/dev/null 2>&1 || true
mkdir -p home
mv sets home/nin
XDG_DATA_HOME=$PWD/home "$NIN" data info fashion-mnist | grep -c "^place   $PWD/home/nin/fashion-mnist$"
truncate -s -1 home/nin/fashion-mnist/t10k-labels-idx1-ubyte
try data info home/nin/fashion-mnist
