# What is wrong with a study is said with the place.
. "$SOURCE/tests/cli/helpers.sh"
try study
try study stabilty
try study stability --seeds 0
try study stability --healthy-at 2
try study stability --only lectur --list
try study stability --rows nowhere.rows
wrong() {
    printf '%b' "$1" >wrong.rows
    try study stability --rows wrong.rows --data drawn
}
wrong 'lr = 1\n'
wrong '[A]\n'
wrong '[a]\n[b]\n[a]\n'
wrong '[a]\nabout = x\n\nlr = many\n'
wrong '[a]\nlearning = 1\n'
wrong 'recipe = quik\n[a]\n'
wrong '[a]\npaper = 200\n'
wrong '[a]\nlimit = 10\n[b]\nlimit = 20\n'
wrong '[a]\nfrom = model.safetensors\nlimit = 10\n'
wrong '[a]\nmodel = nix\nlimit = 10\n'
