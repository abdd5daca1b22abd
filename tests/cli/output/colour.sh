# Colours only where they are wanted.
escape=$(printf '\033')
count() {
    grep -c "$escape" || true
}
"$NIN" summary | count
TERM=xterm "$NIN" summary | count
TERM=xterm CLICOLOR_FORCE=1 "$NIN" doctor | count
TERM=xterm CLICOLOR_FORCE=1 NO_COLOR=1 "$NIN" doctor | count
