"""Write the JSON schema of every command's config to configs/schema/."""

from hepad.config import config_dir
from hepad.config.keys.commands import SCHEMA_COMMANDS
from hepad.schema import schema_text


def main() -> None:
    """Write one file for each command."""
    directory = config_dir() / "schema"
    directory.mkdir(exist_ok=True)
    for command in SCHEMA_COMMANDS:
        (directory / f"{command}.json").write_text(schema_text(command), encoding="utf-8")


if __name__ == "__main__":
    main()
