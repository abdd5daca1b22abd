# Mistakes in a file of settings are reported with file and line.
. "$SOURCE/tests/cli/helpers.sh"
printf '# a comment\n\nlr = 0.2\nmomentun = 0.9\n' >unknown.conf
try train --config unknown.conf
printf 'lr = fast\n' >value.conf
try train --config value.conf
printf 'lr 0.2\n' >form.conf
try train --config form.conf
printf 'lr = 0.2\0\n' >binary.conf
try train --config binary.conf
