# Completion of nin for bash. Commands, options and names come from the program itself.

# Prints the long options of a command.
_nin_options() {
    "$1" "$2" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# Prints the first column of what the program lists.
_nin_names() {
    "$@" 2>/dev/null | awk '{ print $1 }'
}

# Prints the commands.
_nin_commands() {
    "$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

# Prints what the value of option $1 can be, or nothing where it is a file or a number.
_nin_values() {
    case $1 in
    --model | -m) _nin_names "$program" summary ;;
    --data | -d) _nin_names "$program" data list ;;
    --recipe) echo steady quick lecture best paper ;;
    --optimizer) echo sgd adam adamw ;;
    --schedule) echo constant step cosine one-cycle ;;
    --init) echo xavier he gaussian pytorch ;;
    --device) echo auto cpu cuda reference ;;
    --math) echo float32 tf32 bf16 ;;
    --mode) echo train infer ;;
    --split) echo train test ;;
    esac
}

_nin() {
    local program=$1 current=$2 previous=$3
    local command=${COMP_WORDS[1]} words=
    COMPREPLY=()
    # bash takes --option=value apart at the equals sign
    if [[ $previous == = && $COMP_CWORD -ge 2 ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $current == = ]]; then
        current=
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        words="$(_nin_commands "$program") --help --version"
    elif [[ $previous == -* ]] && words=$(_nin_values "$previous") && [[ -n $words ]]; then
        :
    elif [[ $current == -* ]]; then
        words=$(_nin_options "$program" "$command")
    else
        case $command-$COMP_CWORD in
        help-2) words=$(_nin_commands "$program") ;;
        summary-* | compare-*) words=$(_nin_names "$program" summary) ;;
        study-2) words=stability ;;
        reproduce-2) words=$(_nin_names "$program" reproduce list) ;;
        data-2) words='list info fetch sheet' ;;
        data-3) words=$(_nin_names "$program" data list) ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        compopt -o default
    fi
}

complete -F _nin nin
