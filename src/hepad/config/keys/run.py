"""Types and ranges of the keys of a run's config, section by section."""

from typing import Final

from hepad.config.keys.compound import Either, FieldsOf, ListOf, MapOf, optional
from hepad.config.keys.kinds import Bytes, Flag, Kind, Name, Null, Number, Refused, Text, Whole, Word
from hepad.config.keys.models import INFERENCE_KEYS, LOSS_KEYS, MODEL_KEYS, NOT_NEGATIVE, POSITIVE
from hepad.core.schema import PT_COLUMNS

FILE: Final = Text("a file", 4096, path=True)
FILES: Final = Either((ListOf(FILE, 1, 100_000, "files", "[a.root,b.root]"), FILE, Null()))
_PART: Final = Either((ListOf(FILE, 1, 100_000, "files", "[a.root,b.root]"), FILE))
SAMPLE_FILES: Final = Either(
    (
        *FILES.kinds,
        FieldsOf(
            {"train": _PART, "val": optional(_PART), "test": _PART}, ("train", "test"), "{train: FILE, test: FILE}"
        ),
    )
)
DIRECTORY: Final = Text("a directory", 4096, path=True)
SEED: Final = Whole(0, 2**31 - 1)
FORMATS: Final = ListOf(Word(("png", "pdf", "svg")), 1, 3, "formats", "[png,pdf]")
NAMES: Final = ListOf(Text(), 1, 1000, "names", "[a,b]")
ON_NONFINITE: Final = Word(("refuse", "drop"))

_MODE: Final = Word(("min", "max"))
_EPOCHS: Final = Whole(1, 10_000_000)
_BATCHES: Final = Either((Whole(1), Number(0, 1, open_low=True), Null()))
_ALL_SCORED: Final = Refused("evaluation always scores every entry; data.limit takes fewer of them")

_INTERVAL: Final = ListOf(optional(Number()), 2, 2, "ends, null for an open one", "[3300,null]")
_REGIONS: Final = MapOf(
    MapOf(Either((_INTERVAL, ListOf(_INTERVAL, 1, 1000, "intervals"))), Text(), "{m_jj: [3300, 3700]}"),
    Name(),
    "{signal: {m_jj: [3300, 3700]}, sidebands: {m_jj: [[null, 3300], [3700, null]]}}",
)
_ROLE: Final = FieldsOf(
    {
        "sample": Name(),
        "region": optional(Name()),
        "label": optional(Whole(0, 1000)),
        "weight": optional(Number(0, open_low=True)),
    },
    ("sample",),
    "{sample: zero_bias, region: sidebands}",
)

DATA_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "augment_eta": Flag(),
    "augment_phi": Flag(),
    "background": Name(),
    "batch_size": Whole(2),
    "bundled": Flag(),
    "augment": Flag(),
    "center": Word(("centroid", "axis", "hardest")),
    "columns": optional(NAMES),
    "contamination": optional(
        FieldsOf(
            {"sample": optional(Name()), "fraction": Number(0, 1, open_high=True)},
            ("fraction",),
            "{sample: ttbar, fraction: 0.01}",
        )
    ),
    "context": optional(ListOf(Text(), 0, 100, "names", "[m_jj]")),
    "dataset": optional(Text()),
    "features": optional(NAMES),
    "flip": Flag(),
    "fold": optional(Whole(0)),
    "folds": optional(Whole(2, 1000)),
    "format": optional(Text()),
    "half": optional(Word(("first", "second"))),
    "half_width": Number(0, 10, open_low=True),
    "loudness": optional(Text()),
    "limit": Either((Whole(1), MapOf(optional(Whole(1)), Name(), "{zero_bias: 10000, ttbar: 2000}"), Null())),
    "memory": optional(Bytes()),
    "min_pt": NOT_NEGATIVE,
    "n_constituents": Whole(1, 10_000),
    "n_pixels": Whole(2, 1024),
    "normalize": Flag(),
    "on_negative": Word(("refuse", "zero")),
    "on_nonfinite": ON_NONFINITE,
    "padding": Text(),
    "periodic_phi": Flag(),
    "power": Number(0, 10, open_low=True),
    "pt": Word(tuple(PT_COLUMNS)),
    "regions": optional(_REGIONS),
    "rotate": Flag(),
    "samples": MapOf(SAMPLE_FILES, Name(), "{mine: FILE}"),
    "seed": SEED,
    "split": Word(("events", "entries")),
    "targets": optional(FILE),
    "threshold": Number(),
    "train": optional(ListOf(_ROLE, 1, 100, "roles", "[{sample: zero_bias, region: sidebands}]")),
    "truth": optional(Text()),
}

OPTIMIZER_KEYS: Final[dict[str, Kind]] = {
    "_partial_": Flag(),
    "_target_": Text(),
    "betas": ListOf(Number(0, 1, open_high=True), 2, 2, "numbers below 1", "[0.9,0.999]"),
    "fused": Flag(),
    "lr": POSITIVE,
    "weight_decay": NOT_NEGATIVE,
}

SCHEDULER_KEYS: Final[dict[str, Kind]] = {
    "T_max": _EPOCHS,
    "_partial_": Flag(),
    "_target_": Text(),
    "eta_min": NOT_NEGATIVE,
    "factor": Number(0, 1, open_low=True, open_high=True),
    "patience": Whole(0),
}

TRAINER_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "accelerator": Word(("auto", "cpu", "gpu", "cuda", "mps")),
    "accumulate_grad_batches": Whole(1),
    "check_val_every_n_epoch": Whole(1),
    "compile": Flag(),
    "detect_anomaly": Flag(),
    "deterministic": Either((Flag(), Word(("warn",)))),
    "devices": Either((Whole(1, 1024), ListOf(Whole(0, 1023), 1, 1024, "numbers of devices"), Word(("auto", -1)))),
    "barebones": Refused("it switches off the checkpoints and losses that a run is made of"),
    "callbacks": Refused("use the group callbacks, callbacks.NAME._target_=… for one more"),
    "default_root_dir": Refused("a run writes into its own directory; hydra.run.dir names it"),
    "enable_checkpointing": Refused("a run is scored from its checkpoint; callbacks.checkpoint says which one is kept"),
    "enable_model_summary": Flag(),
    "enable_progress_bar": Refused("use callbacks.progress=null"),
    "fast_dev_run": Refused("it leaves no checkpoint to score with; debug=fast is a short try"),
    "gradient_clip_val": optional(POSITIVE),
    "limit_predict_batches": _ALL_SCORED,
    "limit_test_batches": _ALL_SCORED,
    "limit_train_batches": _BATCHES,
    "limit_val_batches": _BATCHES,
    "log_every_n_steps": Whole(0),
    "max_epochs": _EPOCHS,
    "max_steps": Either((Whole(1), Word((-1,)))),
    "max_time": optional(Text("a time such as 00:12:00:00 (days, hours, minutes, seconds)", 20)),
    "min_epochs": optional(_EPOCHS),
    "num_nodes": Whole(1, 4096),
    "num_sanity_val_steps": Whole(-1),
    "overfit_batches": Refused("for a training on few entries: data.limit, or trainer.limit_train_batches"),
    "logger": Refused("use logger=wandb, mlflow, comet, trackio, tensorboard, csv or none"),
    "min_steps": optional(Whole(1)),
    "plugins": Refused("hepad chooses them; trainer.precision sets the precision"),
    "reload_dataloaders_every_n_epochs": Refused("batches are shuffled anew in every epoch as it is"),
    "sync_batchnorm": Refused("with several devices it is so by itself"),
    "use_distributed_sampler": Refused("hepad shares batches among devices itself"),
    "val_check_interval": Either((Whole(1), Number(0, 1, open_low=True), Null())),
    "precision": Word(("32-true", "64-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", 32, 64, 16, "bf16")),
    "profiler": optional(Word(("simple", "advanced"))),
    "steps_per_execution": optional(Whole(1, 1_000_000)),
    "strategy": Word(("auto", "ddp", "ddp_find_unused_parameters_true")),
}

CALLBACK_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "auto_insert_metric_name": Flag(),
    "dirpath": DIRECTORY,
    "enable_version_counter": Flag(),
    "filename": Name(),
    "metric": optional(Text()),
    "min_delta": NOT_NEGATIVE,
    "mode": _MODE,
    "monitor": optional(Text()),
    "patience": Whole(0),
    "pruner": Word(("none", "median", "hyperband")),
    "run_dir": DIRECTORY,
    "save_top_k": Word((1,)),
    "trial": optional(Whole(0)),
}

LOGGER_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "alert": Word(("none", "end", "failure")),
    "entity": optional(Text()),
    "group": optional(Name()),
    "id": optional(Text()),
    "job_type": optional(Text()),
    "log_console": Flag(),
    "log_data": Word(("none", "reference", "files")),
    "log_model": Word(("none", "best", "all")),
    "log_report": Flag(),
    "mode": Word(("auto", "online", "offline", "disabled")),
    "name": optional(Name()),
    "notes": optional(Text(longest=100_000)),
    "project": Text(),
    "registry": optional(Text("a collection of W&B's registry, such as trigger")),
    "save_dir": DIRECTORY,
    "store": DIRECTORY,
    "tags": ListOf(Text(), 0, 1000, "words", "[short,dense]"),
    "uri": optional(Text("a URI such as http://localhost:5000")),
    "version": Either((Whole(0), Name(), Null())),
}

EVALUATION_KEYS: Final[dict[str, Kind]] = {
    "formats": FORMATS,
    "fprs": ListOf(Number(0, 1, open_low=True), 0, 100, "rates above 0 and at most 1", "[0.01,0.001]"),
    "plots": Flag(),
    "references": optional(NAMES),
    "sculpting": optional(NAMES),
    "symmetry_entries": Whole(0, 1_000_000),
}

DECORRELATE_KEYS: Final[dict[str, Kind]] = {
    "planing": Flag(),
    "variable": optional(Text()),
    "weight": NOT_NEGATIVE,
}

SWEEP_KEYS: Final[dict[str, Kind]] = {
    "direction": Word(("minimize", "maximize")),
    "job": optional(Name()),
    "metric": optional(Text("the name of a metric, such as val/loss")),
    "n_parallel": Whole(1, 4096),
    "n_trials": Whole(1, 1_000_000),
    "name": optional(Name()),
    "pruner": Word(("none", "median", "hyperband")),
    "sampler": Word(("tpe", "random", "qmc")),
    "search_space": optional(MapOf(Text("values such as choice(a,b), range(1,9) or interval(0.1,1)"))),
    "seed": SEED,
    "trial": optional(Whole(0)),
    "use_signals": Flag(),
}

TRAIN_KEYS: Final[dict[str, Kind]] = {
    "ensemble": optional(Whole(2, 1000)),
    "resume": optional(DIRECTORY),
    "seed": SEED,
    "paths.root": DIRECTORY,
    "paths.run": DIRECTORY,
    **{f"data.{key}": kind for key, kind in DATA_KEYS.items()},
    **{f"model.{key}": kind for key, kind in MODEL_KEYS.items()},
    **{f"model.loss.{key}": kind for key, kind in LOSS_KEYS.items()},
    **{f"optimizer.{key}": kind for key, kind in OPTIMIZER_KEYS.items()},
    **{f"scheduler.{key}": kind for key, kind in SCHEDULER_KEYS.items()},
    **{f"trainer.{key}": kind for key, kind in TRAINER_KEYS.items()},
    **{f"inference.{key}": kind for key, kind in INFERENCE_KEYS.items()},
    **{f"inference.loss.{key}": kind for key, kind in LOSS_KEYS.items()},
    **{f"callbacks.*.{key}": kind for key, kind in CALLBACK_KEYS.items()},
    **{f"logger.*.{key}": kind for key, kind in LOGGER_KEYS.items()},
    **{f"evaluation.{key}": kind for key, kind in EVALUATION_KEYS.items()},
    **{f"decorrelate.{key}": kind for key, kind in DECORRELATE_KEYS.items()},
    **{f"sweep.{key}": kind for key, kind in SWEEP_KEYS.items()},
}

REQUIRED: Final = (
    "seed",
    "data._target_",
    "data.background",
    "data.batch_size",
    "data.bundled",
    "data.limit",
    "data.samples",
    "model._target_",
    "optimizer._target_",
    "optimizer.lr",
    "scheduler",
    "trainer._target_",
    "trainer.accelerator",
    "trainer.check_val_every_n_epoch",
    "trainer.devices",
    "trainer.max_epochs",
    "trainer.strategy",
    "callbacks",
    "logger",
    "evaluation.formats",
    "evaluation.fprs",
    "evaluation.plots",
    "evaluation.references",
    "paths.run",
)
"""Keys that a run's config always holds, whatever version of hepad wrote it: the code takes it for granted."""

SECTIONS: Final = tuple(dict.fromkeys(key.split(".")[0] for key in TRAIN_KEYS if "." in key))
"""Keys of a run's config that hold other keys."""
