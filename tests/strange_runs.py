"""What a stranger, or a broken disk, may put into a run's directory: a table of changes to the files of a good run."""

import json
import os
import pickle
import socket
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
import yaml

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


class _Code:
    """What a pickle with code in it holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo code ran > /tmp/hepad_code_ran",)


def strange_runs() -> list[Strange]:
    """Return all changes."""
    found: list[Strange] = []
    for file in ("config.yaml", "provenance.json", "metrics.json", "history.csv", "scores.h5", "checkpoints/best.ckpt"):
        found += [Strange(file, name, _any_file(file, how)) for name, how in _ANY_FILE.items()]
    found += [Strange("config.yaml", name, _text("config.yaml", text)) for name, text in _YAML.items()]
    found += [Strange("config.yaml", f"{key}={value!r}"[:60], _setting(key, value)) for key, value in _SETTINGS]
    found += [Strange("config.yaml", f"no {key}", _without(key)) for key in _SECTIONS]
    for file in ("provenance.json", "metrics.json"):
        found += [Strange(file, name, _text(file, text)) for name, text in _JSON.items()]
    found += [Strange("provenance.json", f"{key}={value!r}"[:60], _fact(key, value)) for key, value in _FACTS]
    found += [Strange("metrics.json", f"{value!r}"[:60], _metric(value)) for value in _METRICS]
    found += [Strange("history.csv", name, _text("history.csv", text)) for name, text in _CSV.items()]
    found += [Strange("scores.h5", name, _scores(how)) for name, how in _SCORES.items()]
    for file in ("checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        found += [Strange(file, name, _checkpoint(file, how)) for name, how in CHECKPOINTS.items()]
        found += [Strange(file, name, _archive(file, how)) for name, how in _ARCHIVES.items()]
    found += [Strange(".lock", "a pipe", lambda run: os.mkfifo(run / ".lock"))]
    found += [Strange(".lock", "a directory", lambda run: (run / ".lock").mkdir())]
    return found


def _replace(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


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
    "ten gigabytes of nothing": lambda path: os.truncate(path, 10 << 30),
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


def _group(file: h5py.File) -> h5py.Group:
    return file[sorted(file)[0]]


def _put(name: str, values: Any) -> Callable[[h5py.File], None]:
    def put(file: h5py.File) -> None:
        group = _group(file)
        if name in group:
            del group[name]
        group[name] = values

    return put


def _slot_group(file: h5py.File) -> None:
    del _group(file)["slot"]
    _group(file).create_group("slot")


def _entries(n: int) -> Callable[[h5py.File], None]:
    def put(file: h5py.File) -> None:
        _put("score", np.ones(n, "f4"))(file)
        _put("index", np.arange(n))(file)

    return put


def _external(file: h5py.File) -> None:
    group = _group(file)
    del group["score"]
    group["score"] = h5py.ExternalLink("/etc/hostname", "/score")


_SCORES: dict[str, Callable[[h5py.File], None]] = {
    "columns of other lengths": _put("index", np.arange(3)),
    "no dimension": _put("score", np.float32(1)),
    "an index of no dimension": _put("index", np.int64(1)),
    "two dimensions": _put("score", np.ones((4, 4), "f4")),
    "no numbers": _put("score", np.array([b"a", b"b"])),
    "an index of fractions": _put("index", np.array([0.5, 1e30, np.nan])),
    "an index of huge numbers": _put("index", np.full(241, 2**62)),
    "negative rows": _put("index", np.arange(-241, 0)),
    "slots of another length": _put("slot", np.arange(3)),
    "a slot of no dimension": _put("slot", np.int64(0)),
    "a slot that is a group": _slot_group,
    "nothing": lambda file: [file.pop(name) for name in list(file)] and None,
    "no score": lambda file: _group(file).pop("score") and None,
    "NaN": _put("score", np.full(241, np.nan, "f4")),
    "a data set in place of a sample": lambda file: file.create_dataset("other", data=[1.0]) and None,
    "a name with dots": lambda file: file.create_group("..") and None,
    "a link to elsewhere": _external,
    "a kind that is an array": lambda file: file.attrs.__setitem__("kind", np.arange(3)),
    "a kind that is not UTF-8": lambda file: file.attrs.__setitem__("kind", np.bytes_(b"\xff\xfe")),
    "one entry": _entries(1),
    "no entry": _entries(0),
}


def _hyper(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["hyper_parameters"].__setitem__(key, value)


def _weight(make: Callable[[torch.Tensor], Any]) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        name = next(name for name, value in content["state_dict"].items() if value.ndim == 2)
        content["state_dict"][name] = make(content["state_dict"][name])

    return change


CHECKPOINTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "code": lambda content: content.__setitem__("x", _Code()),
    "no weights": lambda content: content.pop("state_dict"),
    "weights that are a list": lambda content: content.__setitem__("state_dict", [1]),
    "no settings": lambda content: content.pop("hyper_parameters", None),
    "settings that are a list": lambda content: content.__setitem__("hyper_parameters", [1]),
    "a version that is none": lambda content: content.__setitem__("pytorch-lightning_version", "abc"),
    "a version that is a number": lambda content: content.__setitem__("pytorch-lightning_version", 5),
    "an epoch that is a word": lambda content: content.__setitem__("epoch", "five"),
    "an epoch below zero": lambda content: content.__setitem__("epoch", -5),
    "loops that are a list": lambda content: content.__setitem__("loops", []),
    "loops of numbers": lambda content: content.__setitem__("loops", {"fit_loop": 5}),
    "callbacks of numbers": lambda content: content.__setitem__("callbacks", dict.fromkeys(content["callbacks"], 5)),
    "optimisers that are words": lambda content: content.__setitem__("optimizer_states", ["adam"]),
    "an optimiser of nothing": lambda content: content.__setitem__("optimizer_states", [{}]),
    "a transposed weight": _weight(lambda weight: weight.T.contiguous()),
    "a weight more": lambda content: content["state_dict"].__setitem__("extra", torch.ones(3)),
    "a weight less": lambda content: content["state_dict"].pop(next(iter(content["state_dict"]))),
    "complex weights": _weight(lambda weight: weight.to(torch.complex64)),
    "whole numbers": _weight(lambda weight: weight.to(torch.int8)),
    "a weight that is a word": _weight(lambda weight: "weight"),
    "a weight spread from one number": _weight(lambda weight: torch.zeros(1).expand(10**9, 10**3)),
    "a sparse weight": _weight(lambda weight: weight.to_sparse()),
    "a tensor": lambda content: (content.clear(), content.__setitem__("a", torch.ones(3))),
    "hidden=[1000000]": _hyper("hidden", [1_000_000]),
    "hidden=[60000,60000]": _hyper("hidden", [60_000, 60_000]),
    "hidden of 20000 layers": _hyper("hidden", [4] * 20_000),
    "hidden of words": _hyper("hidden", ["a"]),
    "hidden=[1e30]": _hyper("hidden", [10**30]),
    "latent=-3": _hyper("latent", -3),
    "latent=1000000000": _hyper("latent", 10**9),
    "dropout=high": _hyper("dropout", "high"),
    "activation=[]": _hyper("activation", []),
    "activation=os.system": _hyper("activation", "os.system"),
    "normalizer=5": _hyper("normalizer", 5),
    "entry_shape=[1000000000]": _hyper("entry_shape", [10**9]),
    "entry_shape=[[3]]": _hyper("entry_shape", [[3]]),
    "entry_shape=17": _hyper("entry_shape", 17),
    "entry_shape=[]": _hyper("entry_shape", []),
    "loss=5": _hyper("loss", 5),
    "loss=os.system": _hyper("loss", {"_target_": "os.system", "command": "echo"}),
    "loss=trainer": _hyper("loss", {"_target_": "lightning.Trainer"}),
    "loss without end": _hyper("loss", {"_target_": "hepad.losses.MSE", "x": [[[[1] * 99] * 99] * 99] * 99}),
    "another setting": _hyper("colour", "blue"),
}


def _compressed(path: Path, parts: dict[str, bytes]) -> None:
    parts = {name: bytes(50_000_000) if name.endswith("data/0") else content for name, content in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)


def _with_part(name: str, content: bytes) -> Callable[[Path, dict[str, bytes]], None]:
    def write(path: Path, parts: dict[str, bytes]) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for part, stored in (parts | {name: content}).items():
                file.writestr(part, stored)

    return write


# bytearray(10**11): the restricted reader of torch builds it.
_MEMORY = b"\x80\x02c__builtin__\nbytearray\n\x8a\x06\x00\xe8vH\x17\x00\x85R."

_ARCHIVES: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "compressed": _compressed,
    "a part of TorchScript": _with_part("archive/constants.pkl", b"\x80\x02]."),
    "a part with another name": _with_part("../../evil", b"x"),
    "a pickle of bytes without end": _with_part("archive/data.pkl", _MEMORY),
    "a pickle of a function": _with_part("archive/data.pkl", pickle.dumps(_Code(), protocol=2)),
    "a pickle of nothing": _with_part("archive/data.pkl", b""),
    "a pickle of a list": _with_part("archive/data.pkl", b"\x80\x02]."),
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


def _scores(how: Callable[[h5py.File], None]) -> Change:
    def changed(run: Path) -> None:
        with h5py.File(run / "scores.h5", "r+") as file:
            how(file)

    return changed


def _checkpoint(file: str, how: Callable[[dict[str, Any]], Any]) -> Change:
    def changed(run: Path) -> None:
        content = torch.load(run / file, weights_only=True)
        how(content)
        torch.save(content, run / file)

    return changed


def _archive(file: str, how: Callable[[Path, dict[str, bytes]], None]) -> Change:
    def changed(run: Path) -> None:
        with zipfile.ZipFile(run / file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        how(run / file, parts)

    return changed
