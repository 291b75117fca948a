"""`python -m hepad.schema COMMAND > FILE`: the JSON schema of a command's config, for editors."""

import json
from collections.abc import Sequence

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.config.json_schema import config_schema
from hepad.core.errors import UserError


def job(cfg: DictConfig) -> None:
    """Print one schema."""
    print(schema_text(cfg.command), end="")


def schema_text(command: str) -> str:
    """Return the schema of a command's config as a file holds it."""
    return json.dumps(config_schema(command), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def gather_command(words: Sequence[str]) -> list[str]:
    """Return `words` with a bare one, the command, as `command=…`."""
    bare = [word for word in words if "=" not in word and not word.startswith("-")]
    if len(bare) > 1:
        raise UserError(f"one command is needed, not {' '.join(bare)}: one file for each")
    return [word for word in words if word not in bare] + [f"command={word}" for word in bare]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "schema", argv, gather=gather_command)


if __name__ == "__main__":
    main()
