"""The page that `--help` prints: every key of the config as the words before it choose it, with its comment.

Hydra's own page lists every group in the directory of configs and drops the comments.

Hydra knows the keys and the options; what it offers itself is for scripts that are no modules and have no commands.
"""

import os
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from omegaconf import OmegaConf

from hepad.cli.words import CommandLine
from hepad.config import compose, config_dir, config_dirs, search_path_word
from hepad.config.comments import comment_of, comments_of, groups_of, is_of, option_files, read_config_text
from hepad.config.keys.kinds import shown
from hepad.core.errors import UserError

WIDTH: Final = 98
_KEY_WIDTH: Final = 40
_ABOUT_GROUPS: Final = """\
The keys of another option: {command} {group}={option} --help
A model or a loss of your own: hepad new model NAME makes it, in a package that you install.
Without one: --config-dir DIR, their YAML in DIR/model/, DIR/loss/, …;
HEPAD_TRUST=my_package.MyModel in the environment allows what a _target_ there names."""
_ABOUT_FLAGS: Final = """\
Flags: --version, --cfg job (show the config){multirun}.
Tab completion: eval "$({command} -sc install=bash)\""""


def command_help(config_name: str, line: CommandLine = CommandLine((), (), ())) -> str:  # noqa: B008
    """Return how a command is called, the groups it has with their options, and all of its keys with their comments.

    Args:
        config_name: the command.
        line: its command line; groups that it chooses are shown as chosen.
    """
    path = config_dir() / f"{config_name}.yaml"
    text = path.read_text(encoding="utf-8")
    directories = config_dirs(line.searchpath)
    plain: Any = OmegaConf.to_container(
        compose(config_name, [*search_path_word(line.searchpath), *line.words], with_hydra=True), resolve=False
    )
    choices = plain.pop("hydra")["runtime"]["choices"]
    groups = groups_of(text, directories)
    comments = comments_of(text, "")
    for group in groups:
        # A key that an option takes over from another is explained there.
        # Of a group of several options none is the one.
        chosen = choices.get(group)
        files = sorted(option_files(group, directories), key=lambda file: file.stem)
        first = [file for file in files if file.stem == chosen]
        for file in [*first, *(file for file in files if file not in first)]:
            found = comments_of(read_config_text(file), group)
            own = {key: said for key, said in found.items() if file.stem == chosen or is_of(key, group)}
            comments = {**own, **comments}
    command = f"hepad {config_name}"
    parts = [*_head(text), f"usage: {command} KEY=VALUE …"]
    if groups:
        parts.append("\ngroups:")
        parts += [line for group, options in groups.items() for line in _wrapped(f"  {group}=", " ".join(options))]
    parts.append("\nkeys, as they are unless you set them:")
    parts += _key_lines(plain, comments)
    parts.append("")
    if groups:
        group, options = next((group, groups[group]) for group in ("model", *groups) if group in groups)
        parts.append(_ABOUT_GROUPS.format(command=command, group=group, option=options[-1]))
    multirun = ", -m (a sweep: KEY=A,B …)" if config_name == "train" else ""
    parts.append(_ABOUT_FLAGS.format(command=command, multirun=multirun))
    return "\n".join(parts)


def _head(text: str) -> list[str]:
    """Return what the comment at the top of a config says, wrapped."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines += textwrap.wrap(line.removeprefix("#").strip(), WIDTH)
    return lines


def _key_lines(config: Mapping[str, Any], comments: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of all keys: single ones first, then section by section."""
    single = {key: value for key, value in config.items() if not isinstance(value, Mapping)}
    for key, value in single.items():
        yield from _key_line(key, value, comments)
    for section, node in config.items():
        if isinstance(node, Mapping) and node:
            yield ""
            for key, value in _flat(node, section):
                yield from _key_line(key, value, comments)


def _flat(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        key = f"{prefix}.{name}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, key)
        elif name not in ("_target_", "_partial_"):
            yield key, value


def _key_line(key: str, value: Any, comments: Mapping[str, str]) -> list[str]:
    setting = f"  {key}={shown(value).replace(', ', ',')}"
    said = textwrap.wrap(comment_of(key, comments), WIDTH - _KEY_WIDTH - 2)
    if not said:
        return [setting]
    first = [f"{setting:{_KEY_WIDTH}}  {said[0]}"] if len(setting) <= _KEY_WIDTH else [setting, _behind(said[0])]
    return [*first, *map(_behind, said[1:])]


def _behind(text: str) -> str:
    return " " * (_KEY_WIDTH + 2) + text


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


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
