"""`python -m hepad.search method=cathode`: a resonant search, from samples to p-values."""

import hashlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.command import GuardedJob
from hepad.config import RunConfig, quoted
from hepad.core.errors import UserError
from hepad.core.late_import import importing
from hepad.logging.early_import import import_wandb_first
from hepad.train import job as train_job

_NOT_THE_SEARCH: Final = (
    *("name", "resume", "unblind", "cuts", "toys", "limits", "background", "systematic", "logger", "hydra"),
)
"""Keys that change no training, or only what is made of scores: with other values of them the stages serve again."""

_SEVERAL: Final = ("injection.fractions", "injection.seeds")
"""Keys that ask for several searches; with other values of them those that are done serve again."""

_QUOTES: Final = ("'", '"')


def job(cfg: DictConfig) -> None:
    """Do what is left of one search, and print what it found."""
    if find_spec("iminuit") is None:
        raise UserError('a search fits spectra with iminuit: pip install "hepad[search]"')
    # Imported here, so that --help does not wait for NumPy, nor a refusal for torch.
    if cfg.resume is None:
        from hepad.searches.early_checks import check_data

        check_data(RunConfig.of(cfg))
    with importing():
        import_wandb_first(cfg.logger or {})
        from hepad.searches.injection_sweep import run_searches
        from hepad.searches.running import resumed_config

    config = RunConfig.of(cfg) if cfg.resume is None else resumed_config(Path(cfg.resume).expanduser())
    run_searches(config, GuardedJob(train_job, "train"))


def named(words: Sequence[str]) -> list[str]:
    """Return the words with a name of the search's directory, where they give none: the same words find it again.

    >>> from hepad.search import named
    >>> named(["method=[cwola,cathode]", "seed=7"])[-1]
    'name=cwola-cathode_d914122d'
    """
    words = list(words)
    if any(word.lstrip("+").startswith("data.samples.data=") for word in words) and not _chooses(words, "data"):
        # Data of one's own are rows of whatever columns they have.
        words = [*words, "data=table", *([] if _chooses(words, "data.bundled") else ["data.bundled=false"])]
    keys = {word.lstrip("+~").partition("=")[0]: word for word in words}
    if "name" in keys or "resume" in keys or any(word.startswith("-") for word in words):
        return words
    counted = sorted(
        word
        for word in words
        if re.split(r"[./=]", word.lstrip("+~"))[0] not in _NOT_THE_SEARCH
        and word.lstrip("+").partition("=")[0] not in _SEVERAL
    )
    methods = re.sub(r"[^A-Za-z0-9_]+", "-", keys.get("method", "method=cathode").partition("=")[2]).strip("-")
    digest = hashlib.sha256("\n".join(counted).encode()).hexdigest()[:8]
    several = "_injection" if any(key in keys for key in _SEVERAL) else ""
    return [*words, f"name={methods[:40] or 'search'}_{digest}{several}"]


def _chooses(words: Sequence[str], key: str) -> bool:
    return any(word.lstrip("+").startswith(f"{key}=") for word in words)


def readable(words: Sequence[str]) -> list[str]:
    """Return words as Hydra reads them: `method=a,b` as a list, and words of runs in quotes.

    >>> from hepad.search import readable
    >>> readable(["method=cwola,trees", "methods.trees.classifier=[model=trees,model.members=3]"])
    ['method=[cwola,trees]', "methods.trees.classifier=['model=trees','model.members=3']"]
    """
    return [_readable(word) for word in words]


def _readable(word: str) -> str:
    key, equals, value = word.partition("=")
    if key == "method" and value and not value.startswith("["):
        return f"method=[{value}]"
    of_runs = key == "words" or re.fullmatch(r"methods\.[^.=]+\.(density|classifier)", key)
    if not equals or not of_runs or not (value.startswith("[") and value.endswith("]")):
        return word
    return f"{key}=[{','.join(part if part[:1] in _QUOTES else quoted(part) for part in _parts(value[1:-1]))}]"


def _parts(text: str) -> list[str]:
    """Return the parts of a list, at commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "search", argv, prepare=named, gather=readable)


if __name__ == "__main__":
    main()
