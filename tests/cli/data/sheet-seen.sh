# A sheet of what a net sees differs from one of what there is, and from one with another seed.
. "$SOURCE/tests/cli/helpers.sh"
for options in "" "--flip" "--augment crop=3,erase=1" "--mixup 1" "--cutmix 1" "--gcn 28" \
    "--flip --seed 2"; do
    # shellcheck disable=SC2086
    try data sheet drawn -o "sheet$options.png" --per-class 2 $options
done
sha256sum ./*.png | cut -d ' ' -f 1 | sort -u | wc -l
