"""Pretrained scorers that ship with hepad: their names, and each one's directory, which is that of a run."""

import difflib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import cache_directory
from hepad.rundir.parsing import fields, mapping, read_json, text

PREFIX: Final = "pretrained:"
"""Before the name of a pretrained scorer where a command takes a run's directory."""

_BYTES: Final = 1 << 20
_RUN_KEYS: Final = ("run", "baseline", "model.teacher")
_SHOWN_DIGITS: Final = 8
_INDEX: Final = mapping(
    fields({"line": text(1_000), "checkpoint_sha256": text(128)}, need=["line", "checkpoint_sha256"])
)


@dataclass(frozen=True)
class PretrainedScorer:
    """One scorer that ships.

    Attributes:
        name: `MODEL/DATA`.
        line: what it is, in one line.
        directory: of the run.
        checkpoint_sha256: of its weights.
    """

    name: str
    line: str
    directory: Path
    checkpoint_sha256: str


class PretrainedNames(dict[str, str]):
    """Name → what it is; shown as lines."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:{width}}  {line}" for name, line in self.items())


def pretrained_home() -> Path:
    """Return where the scorers are: inside the installed package, else in the checkout."""
    installed = Path(__file__).parents[1] / "hepad-models"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "hepad-models"


def directory_name(name: str) -> str:
    """Return the name of a scorer's directory: `/` would make two of it, and files that it scores name one.

    >>> from hepad.rundir.pretrained import directory_name
    >>> directory_name("conv_ae/calo")
    'conv_ae-calo'
    """
    return name.replace("/", "-")


def list_pretrained() -> PretrainedNames:
    """Return the name of every scorer that ships with hepad, with a line that says what it is.

    >>> import hepad
    >>> "conv_ae/calo" in hepad.list_pretrained()
    True
    """
    return PretrainedNames({name: found.line for name, found in _scorers().items()})


def find_pretrained(name: str) -> PretrainedScorer:
    """Return the scorer of a name.

    Raises:
        UserError: there is none; the line has the nearest name, or all of them.
    """
    scorers = _scorers()
    if name in scorers:
        return scorers[name]
    # A model or a data set alone is near to all names that hold it.
    near = difflib.get_close_matches(name, scorers, 1, 0.6) or [known for known in scorers if name in known.split("/")]
    told = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(scorers)}"
    raise UserError(f"no pretrained scorer {name!r}; {told}")


def pretrained_run(name: str) -> Path:
    """Return a directory of the scorer's run that may be written in: a copy in hepad's cache, made once.

    What commands keep with a run (thresholds, evaluations, exports) must not go into an installed package.

    Raises:
        UserError: no such scorer, or a cache that cannot be written.
    """
    found = find_pretrained(name)
    target = cache_directory() / "pretrained" / f"{found.directory.name}-{found.checkpoint_sha256[:_SHOWN_DIGITS]}"
    if target.is_dir():
        return target
    # Beside the target and renamed, so that nobody meets half a run.
    begun = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copytree(found.directory, begun, copy_function=shutil.copyfile)
        os.replace(begun, target)
    except OSError as error:
        shutil.rmtree(begun, ignore_errors=True)
        if not target.is_dir():
            raise UserError(
                f"cannot copy {PREFIX}{name} to {target}: {error.strerror}; choose another place with HEPAD_CACHE=DIR"
            ) from error
    return target


def with_pretrained(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with directories in the place of `run=pretrained:NAME`, or of a bare one.

    Raises:
        UserError: no such scorer.
    """
    return [_with_directory(word) for word in words]


def _with_directory(word: str) -> str:
    key, equals, value = word.rpartition("=")
    if not value.startswith(PREFIX) or (equals and key.lstrip("+") not in _RUN_KEYS):
        return word
    return f"{key}{equals}{pretrained_run(value.removeprefix(PREFIX))}"


def _scorers() -> dict[str, PretrainedScorer]:
    path = pretrained_home() / "index.json"
    if not path.is_file():
        raise UserError(f"{path} is missing: this installation of hepad has no pretrained scorers; install it again")
    index = read_json(path, _BYTES)
    _INDEX(index, str(path))
    return {
        name: PretrainedScorer(name, known["line"], path.parent / directory_name(name), known["checkpoint_sha256"])
        for name, known in index.items()
    }
