# Completion for bash takes its words from the program.
cat >complete.bash <<'END'
compopt() { :; }
source "$SOURCE/cli/completion/nin.bash"
words() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _nin "$NIN" "${@: -1}" "${@: -2:1}"
    echo "${*:2}: ${COMPREPLY[*]}"
}
words nin tr
words nin train --mom
words nin train --model lene
words nin train --schedule = co
words nin data ""
words nin data info dr
words nin help e
words nin compare vgg
words nin study ""
words nin reproduce figure
words nin predict my.saf
END
bash complete.bash
