"""Keys and passwords do not belong in a config: it is written to the run's directory and sent to the loggers."""

import re
from collections.abc import Iterator
from typing import Any, Final

from hepad.config import RunConfig
from hepad.core.errors import UserError

_NAME: Final = re.compile(
    r"(.*[_-])?(api_?key|access_?key|private_?key|secret(_?key)?|token|password|passwd|credentials?)", re.IGNORECASE
)
"""Names of keys that hold a secret; `tokenizer` and `n_tokens` do not."""

_VALUES: Final = {
    "a W&B key": re.compile(r"(wandb_v\d+_|local-)\S{20,}|[0-9a-f]{40}"),
    "a GitHub token": re.compile(r"(gh[pousr]_|github_pat_)\w{20,}"),
    "a Hugging Face token": re.compile(r"hf_[A-Za-z0-9]{20,}"),
    "an AWS key": re.compile(r"AKIA[0-9A-Z]{16}"),
    "a private key": re.compile(r".*-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL),
    "a URL with a password": re.compile(r"\w+://[^/\s:@]+:[^/\s@]+@.*"),
}
"""Pattern of the values of secrets, as a whole or as one of several words."""


def refuse_secrets(cfg: RunConfig) -> None:
    """Raise `UserError` where a config has a key named like a secret, or a value that looks like one.

    The message names the key and never the value.
    """
    for key, value in _leaves(cfg.plain(), ""):
        found = _secret(key, value)
        if found is not None:
            raise UserError(
                f"{key} looks like {found}, and the config is stored with the run; take it out, and use `wandb login` "
                "or an environment variable such as WANDB_API_KEY"
            )


def _secret(key: str, value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    if any(_NAME.fullmatch(part) for part in key.split(".")):
        return "a secret"
    words = [value, *re.split(r"[\s,;=]+", value)]
    return next((kind for kind, form in _VALUES.items() if any(form.fullmatch(word) for word in words)), None)


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            # A secret may have been typed where a key should be.
            yield path or "the config", str(name)
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, path)
    else:
        yield path, node
