"""Changes to a run's checkpoints that a stranger, or a broken disk, may have made."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


class _Code:
    """What a pickle with code in it holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo code ran > /tmp/hepad_code_ran",)


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
    "settings under an old name": lambda content: content.__setitem__("hparams", {"hidden": [60_000, 60_000]}),
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

ARCHIVES: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "compressed": _compressed,
    "a part of TorchScript": _with_part("archive/constants.pkl", b"\x80\x02]."),
    "a part with another name": _with_part("../../evil", b"x"),
    "a pickle of bytes without end": _with_part("archive/data.pkl", _MEMORY),
    "a pickle of a function": _with_part("archive/data.pkl", pickle.dumps(_Code(), protocol=2)),
    "a pickle of nothing": _with_part("archive/data.pkl", b""),
    "a pickle of a list": _with_part("archive/data.pkl", b"\x80\x02]."),
}


def in_checkpoint(file: str, how: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Return what makes a change to what a checkpoint of a run's directory holds."""

    def changed(run: Path) -> None:
        content = torch.load(run / file, weights_only=True)
        how(content)
        torch.save(content, run / file)

    return changed


def in_archive(file: str, how: Callable[[Path, dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Return what makes a change to the parts of a checkpoint of a run's directory."""

    def changed(run: Path) -> None:
        with zipfile.ZipFile(run / file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        how(run / file, parts)

    return changed
