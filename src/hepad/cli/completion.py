"""Tab completion for bash, of `hepad COMMAND …` and of `python -m hepad.COMMAND …`.

Hydra knows the keys and the options; what it offers itself is for scripts that are no modules and have no commands.
"""

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

from hepad.config import search_path_word
from hepad.core.errors import UserError

SHELLS: Final = ("bash",)
_ACTIONS: Final = ("install", "uninstall", "query")

_INSTALL: Final = r"""_hepad_complete() {
    local line="${COMP_LINE:0:$COMP_POINT}" words word head="" program choices
    read -r -a words <<< "$line"
    word="${line##*[[:space:]]}"
    # One word for bash ends at these characters, and only what follows them is replaced.
    if [[ "$COMP_WORDBREAKS" == *=* && "$word" == *=* ]]; then head="${word%"${word##*=}"}"; fi
    COMPREPLY=()
    case "${words[0]##*/}" in
        hepad)
            if [[ "${line#*[[:space:]]}" == "$word" ]]; then
                COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
                return
            fi
            program=("${words[0]}" "${words[1]}") ;;
        python*)
            [[ "${words[1]}" == -m && "${words[2]}" == hepad.* ]] || return
            [[ "${line##*hepad.}" == *[[:space:]]* ]] || return
            program=("${words[@]:0:3}") ;;
        *) return ;;
    esac
    choices="$(COMP_LINE="$line" "${program[@]}" -sc query=bash 2> /dev/null)"
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
}
complete -o nospace -o default -o bashdefault -F _hepad_complete hepad python python3
"""

_UNINSTALL: Final = "complete -r hepad python python3\nunset -f _hepad_complete\n"


def completion_words(words: Sequence[str], commands: Sequence[str]) -> list[str] | None:
    """Answer `-sc install=bash` or `-sc uninstall=bash` with a script on stdout; for a query, say what Hydra is to do.

    Returns:
        The words for Hydra, which answers a query; None where everything is said.

    Raises:
        UserError: another shell, or no such action.
    """
    action, _, shell = words[0].partition("=") if words else ("", "", "")
    if action not in _ACTIONS or shell not in SHELLS or len(words) != 1:
        raise UserError(
            f"-sc {' '.join(words)}: completion is there for {', '.join(SHELLS)}: "
            'eval "$(hepad train -sc install=bash)"'
        )
    if action == "install":
        sys.stdout.write(_INSTALL.replace("@COMMANDS@", " ".join(commands)))
        return None
    if action == "uninstall":
        sys.stdout.write(_UNINSTALL)
        return None
    # Hydra takes one word off, the name of a program, and splits at blanks, so that a path must not have any.
    head = " ".join(["hepad", *(word for word in search_path_word(()) if " " not in word)])
    typed = re.sub(r"^\s*\S+(\s+-m)?\s+\S+", lambda _: head, os.environ.get("COMP_LINE", ""), count=1)
    os.environ["COMP_LINE"] = typed
    return ["-sc", *words]
