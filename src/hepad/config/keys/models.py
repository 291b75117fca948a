"""Types and ranges of the keys of models, losses and latent searches.

A key has one meaning in all models that have it, so a row names the key alone. What only some of a row's words mean for
one model is the model's own to say.
"""

from typing import Final

from hepad.config.keys.compound import Either, ListOf, MapOf, optional
from hepad.config.keys.kinds import Anything, Flag, Kind, Null, Number, Text, Whole, Word
from hepad.core.schema import PT_COLUMNS

WIDEST: Final = 65536
"""Units of the widest layer: anything above is a mistyped number, or somebody's attempt to fill the memory."""

FRACTION: Final = Number(0, 1)
POSITIVE: Final = Number(0, open_low=True)
NOT_NEGATIVE: Final = Number(0)
WIDTH: Final = Whole(1, WIDEST)
WIDTHS: Final = ListOf(WIDTH, 0, 64, "widths", "[64,16]")

MODEL_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "activation": Word(("relu", "leaky_relu", "elu", "gelu", "silu", "tanh")),
    "alpha": FRACTION,
    "average": Whole(1, 1000),
    "balanced": Flag(),
    "beta": NOT_NEGATIVE,
    "bins": Whole(2, 256),
    "bits": optional(Whole(2, 20)),
    "blur": Number(0, 0.3),
    "cells_mmd": NOT_NEGATIVE,
    "chains": Whole(1, 1_000_000),
    "circular": Flag(),
    "code_inverse": NOT_NEGATIVE,
    "components": Whole(1, 1000),
    "coordinates": Word(("standard", "logit", "rank_gaussian")),
    "corruption": Word(("gaussian", "dropout")),
    "critic": NOT_NEGATIVE,
    "critic_every": Whole(1, 1000),
    "decoder": WIDTHS,
    "dequantize": Flag(),
    "detector": Text("the name of a detector of pyod's", 64),
    "discriminator": optional(WIDTHS),
    "discriminator_lr": optional(POSITIVE),
    "discriminator_score": Word(("feature_matching", "cross_entropy")),
    "discriminator_steps": Whole(1, 1000),
    "dropout": FRACTION,
    "ema": FRACTION,
    "energy_weight": NOT_NEGATIVE,
    "entry_noise": NOT_NEGATIVE,
    "entry_rate": POSITIVE,
    "entry_steps": Whole(0, 10_000),
    "exact_up_to": Whole(0, 1000),
    "filters": Whole(1, 4096),
    "generator": optional(WIDTHS),
    "gradient_clip": optional(POSITIVE),
    "headroom": Whole(-8, 8),
    "hidden": optional(WIDTHS),
    "independence": NOT_NEGATIVE,
    "input_bits": Whole(2, 20),
    "kappa": NOT_NEGATIVE,
    "kind": Word(("realnvp", "maf", "nsf", "boosting", "isolation_forest")),
    "l2": NOT_NEGATIVE,
    "latent": optional(WIDTH),
    "latent_critic": NOT_NEGATIVE,
    "latent_critic_lr": POSITIVE,
    "latent_mmd": NOT_NEGATIVE,
    "latent_noise": NOT_NEGATIVE,
    "latent_rate": POSITIVE,
    "latent_steps": Whole(0, 10_000),
    "learning_rate": Number(0, 1, open_low=True),
    "lr_factor": POSITIVE,
    "mask": Flag(),
    "max_entries": Whole(10, 1_000_000),
    "max_iter": Whole(1, 10_000),
    "max_leaf_nodes": Whole(2, 1024),
    "members": Whole(1, 1000),
    "n_trees": Whole(1, 10_000),
    "neighbours": optional(Whole(1, 10_000)),
    "n_steps": Whole(1, 10_000),
    "network": Either(
        (
            Word(("auto", "dense", "time_distributed", "conv", "deepsets")),
            MapOf(Anything(), example="{_target_: my_package.MyNetwork}"),
        )
    ),
    "noise": NOT_NEGATIVE,
    "noises": Whole(1, 256),
    "normalizer": Word(("standard", "robust", "log", "layer", "none")),
    "nu": Number(0, 1, open_low=True, open_high=True),
    "objective": Word(("hard", "soft", "velocity", "noise", "energy", "wasserstein")),
    "parameters": optional(MapOf(Anything(), example="{n_neighbors: 20}")),
    "periodic": optional(ListOf(Whole(0, WIDEST), 0, 64, "columns", "[2]")),
    "phi": WIDTHS,
    "pool": Word(("max", "mean")),
    "pretrain": Whole(0, 100_000),
    "r1": NOT_NEGATIVE,
    "rate": Number(0, 1, open_low=True, open_high=True),
    "reconstruction": NOT_NEGATIVE,
    "reduction": Word(("mean", "sum")),
    "replay": FRACTION,
    "rho": WIDTHS,
    "score": Word(
        (
            "elbo",
            "reconstruction",
            "kl",
            "mu2",
            "encoder",
            "discriminator",
            "nll",
            "norm",
            "typicality",
            "logit",
            "probability",
            "auto",
            "velocity",
            "critic",
            "total",
        )
    ),
    "score_bits": Whole(2, 20),
    "sparsity": Word(("l1", "kl")),
    "sparsity_weight": NOT_NEGATIVE,
    "spectral_norm": Flag(),
    "spherical": Flag(),
    "target": Word(("score", "log_score", "cicada")),
    "teacher": optional(Text("a run's directory", 4096, path=True, run=True)),
    "teacher_overrides": optional(MapOf(Anything(), example="{model: vae, model.latent: 4}")),
    "transforms": Whole(1, 64),
    "validation_fraction": Number(0, 1, open_low=True, open_high=True),
    "warm_up": Whole(0, 10_000),
    "weighting": Word(("none", "rare", "flat")),
}

LOSS_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "circular": Flag(),
    "data_range": optional(POSITIVE),
    "delta": POSITIVE,
    "epsilon": POSITIVE,
    "floor": POSITIVE,
    "iterations": Whole(1, 10_000),
    "label_jitter": FRACTION,
    "label_smoothing": FRACTION,
    "momentum": NOT_NEGATIVE,
    "pt": optional(Word(tuple(PT_COLUMNS))),
    "pt_weighted": Flag(),
    "sigma": POSITIVE,
    "terms.*.weight": NOT_NEGATIVE,
    "window": Whole(1, 101),
}

INFERENCE_KEYS: Final[dict[str, Kind]] = {
    "_target_": Text(),
    "entries": Either((Whole(1), Word(("auto",)), Null())),
    "gamma_theta": NOT_NEGATIVE,
    "gamma_z": NOT_NEGATIVE,
    "memory": POSITIVE,
    "n_seed": Whole(1, 10_000),
    "optimizer": Word(("adam", "sgd")),
    "patience": Whole(1),
    "reduction": Word(("mean", "min")),
    "seed": Whole(0, 2**128 - 1),
    "start": Word(("prior", "encoder")),
    "steps": Whole(1, 1_000_000),
    "tolerance": optional(NOT_NEGATIVE),
}
