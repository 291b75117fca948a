"""What a stranger, or a broken disk, may put into a run's directory: a table of changes to the files of a good run."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.strange_checkpoints import ARCHIVES, CHECKPOINTS, in_archive, in_checkpoint
from tests.strange_scores import SCORES, in_scores

Change = Callable[[Path], None]

DEEP = 5000
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True)
class Strange:
    """One change: the file it is made to, its name, and what makes it in a run's directory."""

    file: str
    name: str
    change: Change


def strange_runs() -> list[Strange]:
    """Return all changes."""
    found: list[Strange] = []
    for file in ("config.yaml", "provenance.json", "metrics.json", "history.csv", "scores.h5", "checkpoints/best.ckpt"):
        found += [Strange(file, name, _any_file(file, how)) for name, how in _ANY_FILE.items()]
        # Of HDF5 every byte is looked at, a second and a half for each gigabyte.
        size = 1 if file == "scores.h5" else 10
        found += [Strange(file, "gigabytes of nothing", _any_file(file, _longer(size << 30)))]
    found += [Strange("config.yaml", name, _text("config.yaml", text)) for name, text in _YAML.items()]
    found += [Strange("config.yaml", f"{key}={value!r}"[:60], _setting(key, value)) for key, value in _SETTINGS]
    found += [Strange("config.yaml", f"no {key}", _without(key)) for key in _SECTIONS]
    for file in ("provenance.json", "metrics.json"):
        found += [Strange(file, name, _text(file, text)) for name, text in _JSON.items()]
    found += [Strange("provenance.json", f"{key}={value!r}"[:60], _fact(key, value)) for key, value in _FACTS]
    found += [Strange("metrics.json", f"{value!r}"[:60], _metric(value)) for value in _METRICS]
    found += [Strange("history.csv", name, _text("history.csv", text)) for name, text in _CSV.items()]
    found += [Strange("scores.h5", name, in_scores(how)) for name, how in SCORES.items()]
    for file in ("checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        found += [Strange(file, name, in_checkpoint(file, how)) for name, how in CHECKPOINTS.items()]
        found += [Strange(file, name, in_archive(file, how)) for name, how in ARCHIVES.items()]
    found += [Strange(".lock", "a pipe", lambda run: os.mkfifo(run / ".lock"))]
    found += [Strange(".lock", "a directory", lambda run: (run / ".lock").mkdir())]
    return found


def _replace(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _longer(n_bytes: int) -> Change:
    return lambda path: os.truncate(path, n_bytes)


def _socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    # The name of a socket may have 108 characters at most.
    os.chdir(path.parent)
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
        server.close()


_ANY_FILE: dict[str, Change] = {
    "empty": lambda path: path.write_bytes(b"") and None,
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 40) and None,
    "latin-1": lambda path: path.write_bytes("a: \xe9\xe8".encode("latin-1")) and None,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) and None,
    "a pipe": lambda path: os.mkfifo(_replace(path)),
    "a directory": lambda path: _replace(path).mkdir(),
    "a socket": lambda path: _socket(_replace(path)),
    "the memory of the process": lambda path: _replace(path).symlink_to("/proc/self/mem"),
    "zeros without end": lambda path: _replace(path).symlink_to("/dev/zero"),
    "a link in a circle": lambda path: _replace(path).symlink_to(path.name),
}

_YAML = {
    "aliases that multiply": BOMB + "model: {_target_: hepad.models.DenseAutoencoder}\n",
    "a cycle": "model: &m {_target_: hepad.models.DenseAutoencoder, loss: *m}\n",
    "nested deeply": "model: " + "[" * DEEP + "]" * DEEP,
    "nested mappings": "model: " + "{a: " * DEEP + "}" * DEEP,
    "a tag": "model: !!python/object/apply:os.system [echo]\n",
    "a key twice": "model: {_target_: hepad.models.DenseAutoencoder}\nmodel: {}\n",
    "a list": "[1, 2]\n",
    "a word": "model\n",
    "two documents": "model: {}\n---\nmodel: {}\n",
    "keys of lists": "model: {_target_: a}\n? [1, 2]\n: 3\n",
    "a number of 5000 digits": f"model: {{_target_: a}}\nseed: {'9' * 5000}\n",
    "a million values": f"model: {{_target_: a, x: [{'1,' * 500_000}1]}}\n",
}

_SETTINGS: list[tuple[str, Any]] = [
    ("seed", "abc"),
    ("seed", [1]),
    ("seed", 10**400),
    ("model", []),
    ("model", "dense_ae"),
    ("model._target_", "os.system"),
    ("model._target_", 5),
    ("model._target_", "hepad.data.JetsDataModule"),
    ("model.loss", "mse"),
    ("model.loss._target_", ["a"]),
    ("data", "jets"),
    ("data._target_", "hepad.models.DenseAutoencoder"),
    ("data._target_", "lightning.Trainer"),
    ("data.samples", ["a"]),
    ("data.samples", {"../../escape/evil": "x.h5"}),
    ("data.samples", {"background": 5}),
    ("data.background", "../../escape/evil"),
    ("data.background", ["a"]),
    ("data.limit", "inf"),
    ("data.limit", 10.5),
    ("data.features", [1, 2]),
    ("data.batch_size", 10**30),
    ("data.on_nonfinite", {}),
    ("data.seed", "${oc.env:HOME}"),
    ("trainer", []),
    ("trainer._target_", "hepad.models.DenseAutoencoder"),
    ("trainer.limit_test_batches", 1),
    ("trainer.limit_test_batches", "all"),
    ("trainer.fast_dev_run", True),
    ("trainer.accelerator", "abacus"),
    ("trainer.precision", 17),
    ("trainer.max_epochs", "many"),
    ("trainer.devices", "all of them"),
    ("evaluation.fprs", ["a", "b"]),
    ("evaluation.fprs", 5),
    ("evaluation.references", {"a": 1}),
    ("evaluation.formats", ["exe"]),
    ("evaluation", []),
    ("callbacks", []),
    ("callbacks.checkpoint", "always"),
    ("callbacks.progress", {"_target_": "hepad.models.VariationalAutoencoder"}),
    ("callbacks.checkpoint.monitor", ["val/loss"]),
    ("logger", "wandb"),
    ("logger", {"a": "b"}),
    ("logger", {"a": {"_target_": "hepad.data.JetsDataModule"}}),
    ("paths", None),
    ("paths.run", 5),
    ("optimizer", 5),
    ("optimizer._target_", "hepad.losses.MSE"),
    ("inference", {"_target_": "hepad.losses.MSE"}),
    ("inference", "latent_search"),
    ("sweep", []),
]

_SECTIONS = ("model", "data", "trainer", "evaluation", "callbacks", "logger", "paths", "optimizer", "seed")

_JSON = {
    "nested deeply": "[" * 100_000,
    "a deep object": '{"a":' * 900 + "1" + "}" * 900,
    "a list": "[1]",
    "a word": '"word"',
    "a key twice": '{"status": "finished", "status": "failed"}',
    "a number of 400 digits": f'{{"test/auc/signal_vs_background": {"9" * 400}, "epochs": {"9" * 400}}}',
    "a number of 5000 digits": f'{{"epochs": {"9" * 5000}}}',
    "a million values": f'{{"command": [{"1," * 1_000_000}1]}}',
}

_FACTS: list[tuple[str, Any]] = [
    ("status", ["finished"]),
    ("status", {}),
    ("reason", {"a": 1}),
    ("command", 5),
    ("command", [{"a": 1}]),
    ("background", ["a"]),
    ("background", 7),
    ("seed", "abc"),
    ("parameters", "many"),
    ("parameters", -1),
    ("parameters", 10**18),
    ("epochs", "three"),
    ("epochs", None),
    ("epochs", [3]),
    ("seconds", [1]),
    ("seconds", {"train": "long"}),
    ("seconds", {"train": 1e308, "score": 1e308}),
    ("data", ["a"]),
    ("data", {"background": "hash"}),
    ("data", {"background": {"sha256": 5}}),
    ("data", {"background": {"file": 5, "sha256": "a"}}),
    ("split_sha256", "hash"),
    ("split_sha256", {"train": 5}),
    ("entries", "all"),
    ("entries", {"definition": 5, "trained_sketch": 5}),
    ("format", "one"),
    ("format", 7),
    ("threads", 1_000_000),
    ("threads", -1),
    ("threads", "two"),
    ("resumed", 5),
    ("resumed", [{"because": 5}]),
    ("teacher", "me"),
]

_METRICS: list[Any] = ["high", None, True, [0.5], {"a": 1}, 10**30, 1e308, -5, float("nan"), float("inf")]

_CSV = {
    "a header alone": "epoch,val/loss",
    "columns without end": ",".join(map(str, range(100_000))) + "\n1",
    "a very long line": "epoch\n" + "1" * 200_000,
    "words": "epoch,val/loss\na,b\n",
    "a column twice": "val/loss,val/loss\n1,2\n",
    "open quotes": 'epoch,"val/loss\n1,2\n' * 50_000,
    "a null byte": "epoch,val/loss\n1,\0\n",
    "no numbers": "epoch,val/loss\n,\n,,,\n",
    "huge numbers": "epoch,val/loss\n1e400,1e308\n1e999,-1e308\n",
    "epochs that are none": "epoch,val/loss\n0.5,1\n1e300,0.5\n",
    "a million empty rows": "epoch,val/loss\n" + ",\n" * 1_200_000,
}


def _any_file(file: str, how: Change) -> Change:
    return lambda run: how(run / file)


def _text(file: str, text: str) -> Change:
    return lambda run: (run / file).write_text(text) and None


def _change_yaml(change: Callable[[dict[str, Any]], None]) -> Change:
    def changed(run: Path) -> None:
        path = run / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    return changed


def _setting(key: str, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        *sections, last = key.split(".")
        for section in sections:
            config = config[section]
        config[last] = value

    return _change_yaml(change)


def _without(key: str) -> Change:
    return _change_yaml(lambda config: config.pop(key))


def _change_json(file: str, change: Callable[[dict[str, Any]], None]) -> Change:
    def changed(run: Path) -> None:
        values = json.loads((run / file).read_text())
        change(values)
        (run / file).write_text(json.dumps(values))

    return changed


def _fact(key: str, value: Any) -> Change:
    return _change_json("provenance.json", lambda facts: facts.__setitem__(key, value))


def _metric(value: Any) -> Change:
    def change(metrics: dict[str, Any]) -> None:
        for name in [name for name in metrics if name.startswith("test/auc/")]:
            metrics[name] = value

    return _change_json("metrics.json", change)
