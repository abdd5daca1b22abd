# A net of one's own, and what is wrong with one.
. "$SOURCE/tests/cli/helpers.sh"
printf 'input 1x8x8\nconv2d 4 kernel=3\nrelu\nflatten\nlinear classes\n' >my.net
try summary my.net
printf 'input 1x8x8\nconv2d 4 kernel=9\n' >large.net
try summary large.net
printf 'input 1x8x8\nconv3d 4 kernel=3\n' >unknown.net
try summary unknown.net
