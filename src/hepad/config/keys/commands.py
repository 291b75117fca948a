"""The keys of every command: pattern → kind; `*` stands for one part of a key."""

from collections.abc import Mapping
from typing import Final

from hepad.config.keys.cluster import CLUSTER_KEYS, SIZE
from hepad.config.keys.compound import Either, ListOf, MapOf, optional
from hepad.config.keys.kinds import Bytes, Flag, Kind, Name, Null, Number, Text, Whole, Word
from hepad.config.keys.run import DIRECTORY, FILE, FILES, FORMATS, NAMES, ON_NONFINITE, TRAIN_KEYS
from hepad.config.keys.search import SEARCH_KEYS

DEVICE: Final = Word(("auto", "cpu", "gpu", "cuda", "mps"))

_CONTEXT: Final = Either((ListOf(Number(), 2, 2, "numbers", "[10, 100]"), Number()))

_SHARED: Final = ("data", "trainer", "inference", "logger", "evaluation", "paths")
"""Sections of a run's config that `evaluate` may set too."""

SCHEMA_COMMANDS: Final = (
    "train",
    "evaluate",
    "score",
    "generate",
    "generator_card",
    "threshold",
    "export",
    "top",
    "serve",
    "compare",
    "dashboard",
    "simulate",
    "convert",
    "inspect",
    "fetch",
    "new",
    "schema",
    "search",
)
"""Commands whose config has a JSON schema: all of them."""

_HYDRA_KEYS: Final[Mapping[str, Kind]] = {
    "hydra.run.dir": DIRECTORY,
    "hydra.sweep.dir": DIRECTORY,
    "hydra.sweep.subdir": DIRECTORY,
    "hydra.job.chdir": optional(Flag()),
    "hydra.launcher.n_jobs": optional(Whole(1, 4096)),
    "hydra.launcher.threads": optional(Whole(1, 1024)),
    "hydra.launcher.cores": Whole(1, 1024),
    "hydra.launcher.gpus": Whole(0, 64),
    "hydra.launcher.memory": SIZE,
    "hydra.launcher.disk": SIZE,
    "hydra.launcher.retries": Whole(0, 100),
    "hydra.launcher.transfer": Flag(),
    "hydra.launcher.input": ListOf(Text(), 0, 100, "files", "['jets.h5']"),
    "hydra.launcher.prologue": CLUSTER_KEYS["jobs.prologue"],
    "hydra.launcher.extra": CLUSTER_KEYS["jobs.extra"],
}

_OWN_KEYS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "train": TRAIN_KEYS,
    "evaluate": {
        **{key: kind for key, kind in TRAIN_KEYS.items() if key.split(".")[0] in _SHARED},
        # The run's own unless it is named.
        "paths.run": optional(DIRECTORY),
        "logger.*.save_dir": optional(DIRECTORY),
        "run": optional(DIRECTORY),
        "name": optional(Name()),
        "in_place": Flag(),
    },
    "score": {
        "run": optional(DIRECTORY),
        "input": optional(FILE),
        "output": optional(FILE),
        "overwrite": Flag(),
        "on_nonfinite": optional(ON_NONFINITE),
        "p_values": optional(Flag()),
        "device": DEVICE,
        "workers": optional(Whole(1, 4096)),
        **CLUSTER_KEYS,
    },
    "generate": {
        "run": optional(DIRECTORY),
        "n": optional(Whole(1)),
        "context": optional(Either((FILE, MapOf(_CONTEXT, example="{incident_energy: [10, 100]}")))),
        "output": optional(FILE),
        "seed": Whole(0, 2**63 - 1),
        "device": DEVICE,
    },
    "generator_card": {
        **{key: kind for key, kind in TRAIN_KEYS.items() if key.split(".")[0] in ("data", "logger", "paths")},
        # The run's own unless it is named.
        "paths.run": optional(DIRECTORY),
        "logger.*.save_dir": optional(DIRECTORY),
        "run": optional(DIRECTORY),
        "name": optional(Name()),
        "n": optional(Whole(1)),
        "most": Whole(1),
        "sample": FILES,
        "reference": FILES,
        "seed": Whole(0, 2**31 - 1),
        "classifiers": ListOf(Word(("trees", "mlp")), 0, 2, "classifiers", "[trees,mlp]"),
        "classifier_entries": Whole(1),
        "distance_entries": Whole(1),
        "neighbour_entries": Whole(1),
        "training_entries": Whole(1),
        "plots": Flag(),
        "formats": FORMATS,
    },
    "threshold": {
        "run": optional(DIRECTORY),
        "rate": optional(Either((Number(0), Text()))),
        "fpr": optional(Number(0, 1)),
        "events_per_day": optional(Number(0)),
        "name": optional(Name()),
        "background": optional(FILE),
        "check": optional(FILE),
        "beside": optional(Text()),
        "device": DEVICE,
    },
    "export": {
        "run": optional(DIRECTORY),
        "format": Word(("onnx", "torch_export", "hls4ml", "conifer")),
        "output": optional(FILE),
        "overwrite": Flag(),
        "entries": optional(Whole(1)),
        "card": Flag(),
        "tolerance": Number(0),
        "width": optional(Whole(4, 20)),
        "headroom": optional(Whole(-8, 8)),
        "input_width": optional(Whole(4, 20)),
        "score_width": optional(Whole(4, 20)),
        "simulate": Flag(),
    },
    "top": {
        "run": optional(DIRECTORY),
        "n": Whole(1, 1_000_000),
        "output": optional(FILE),
    },
    "serve": {
        "run": optional(DIRECTORY),
        "host": Text(),
        "port": Whole(0, 65535),
        "without_token": Flag(),
        "max_size": Bytes(),
        "max_rows": Whole(1, 10_000_000),
        "max_requests": Whole(1, 10_000),
        "timeout": Number(0.001, 86_400),
        "p_values": optional(Flag()),
        "device": DEVICE,
    },
    "compare": {
        "runs": ListOf(DIRECTORY, 0, 10_000, "directories", "[runs/a,runs/b]"),
        "baseline": optional(DIRECTORY),
        "output": DIRECTORY,
        "formats": FORMATS,
    },
    "dashboard": {
        "entity": optional(Text()),
        "project": Text(),
        "name": Text(),
        "mode": Word(("auto", "online", "offline")),
        "output": FILE,
        "report": optional(FILE),
        "run": optional(DIRECTORY),
        "signals": optional(NAMES),
        "references": optional(NAMES),
        "curves": optional(NAMES),
        "pictures": optional(ListOf(Text(), 0, 1000, "names", "[roc]")),
        "columns": ListOf(Text(), 0, 1000, "names", "[seed]"),
    },
    "simulate": {
        "samples": Either((ListOf(Text(), 1, 100, "names", "[zero_bias,ttbar]"), Text())),
        "n_events": Either((Whole(1), MapOf(Whole(1), example="{zero_bias: 10000, ttbar: 1000}"))),
        "seed": Whole(0, 2**63 - 1),
        "output": DIRECTORY,
        "workers": optional(Whole(1, 4096)),
        "pileup.mean": Number(0, 500),
        "showers.cells": Whole(4, 100),
        "showers.min_energy": Number(1, 1000),
        "showers.max_energy": Number(1, 1000),
        "showers.threshold": Number(0, 100),
        "chunk_size": Whole(1, 100_000),
        "mantissa_bits": Whole(4, 23),
        "validate": Flag(),
        **CLUSTER_KEYS,
    },
    "convert": {
        "input": FILES,
        "output": optional(FILE),
        "format": Text(),
        "sample": optional(Name()),
        "limit": Either((Whole(1), Null())),
        "select": optional(Text()),
        "lumi_mask": optional(FILE),
        "on_missing": Either((Word(("leave_out", "refuse")), Number())),
        "slots": optional(Whole(1, 100_000)),
        "high_level": optional(NAMES),
        "label": Either((Whole(0, 1), Text(), Null())),
        "labels": optional(FILE),
        "weight": optional(Text()),
        "tree": optional(Text()),
        "chunk": Whole(1, 10_000_000),
        "workers": Whole(1, 256),
        **CLUSTER_KEYS,
    },
    "inspect": {"files": ListOf(FILE, 0, 1000, "files", "[a.root,b.h5]")},
    "fetch": {
        "names": ListOf(Text(), 0, 100, "names", "[lhco]"),
        "output": optional(DIRECTORY),
        "files": optional(NAMES),
        "server": Text(),
    },
    "schema": {"command": Word(SCHEMA_COMMANDS)},
    "search": SEARCH_KEYS,
    "new": {
        "kind": optional(Word(("model", "loss"))),
        "name": optional(Text()),
        "package": DIRECTORY,
    },
}

COMMAND_KEYS: Final[Mapping[str, Mapping[str, Kind]]] = {
    command: {**keys, **_HYDRA_KEYS} for command, keys in _OWN_KEYS.items()
}
"""Command → pattern → kind."""
