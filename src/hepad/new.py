"""`python -m hepad.new model NAME`: a model or a loss of your own, in a package of your own."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.names import python_command
from hepad.templates import plan_part, write_part


def job(cfg: DictConfig) -> None:
    """Write the files, and say what to do next."""
    if cfg.kind is None or cfg.name is None:
        raise UserError(f"what, and how is it named? {python_command()} -m hepad.new model NAME, or loss NAME")
    part = plan_part(str(cfg.kind), str(cfg.name), Path(cfg.package).expanduser())
    for path in write_part(part):
        print(f"wrote {path}")
    for line in part.next_steps(python_command()):
        print(line)


def gather_names(words: Sequence[str]) -> list[str]:
    """Return `words` with the bare ones, at most two, as `kind=…` and `name=…`."""
    bare = [word for word in words if "=" not in word and not word.startswith("-")]
    if len(bare) > 2:
        raise UserError(f"{' '.join(bare)}: two words are needed, such as: model my_model")
    keyed = [f"{key}={word}" for key, word in zip(("kind", "name"), bare, strict=False)]
    return [*(word for word in words if word not in bare), *keyed]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "new", argv, gather=gather_names)


if __name__ == "__main__":
    main()
