"""Leave one digit out: adversarial scores on scikit-learn's 8 × 8 digits, outside of physics.

    python scripts/digits_leave_one_out.py [--digits 0 3 8] [--seeds 0 1] [--epochs 40]

For each digit a GAN and a BiGAN are trained on the other nine, and every score is asked to tell the digit left out from
digits of the nine that were not trained on. Nothing is chosen by AUC: the last epoch counts. Prints the AUC of every
score, mean over seeds and the standard deviation between them, for each digit and for their mean; and the distance
‖x − mean‖² to the mean training image, which needs no model. The latent search moves the code alone, 50 steps from
three draws for each image.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor

from hepad.core.batch import Batch
from hepad.data.loader import BatchLoader
from hepad.data.split import split_rows
from hepad.inference import LatentSearch, SearchSettings, draw_codes
from hepad.logging.loggers import quieten
from hepad.metrics.roc import auc
from hepad.models import GAN, BiGAN
from hepad.models.adversarial import AdversarialModel

DISTANCE = "‖x − mean‖²"
SHAPE = (1, 8, 8)
SCORE = {"GAN": "−D(x)", "BiGAN": "A(x)"}
SEARCH = SearchSettings(steps=50, gamma_theta=0.0)


def main() -> None:
    """Train and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", nargs="+", type=int, default=[0, 3, 8], choices=range(10))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--epochs", type=int, default=40)
    asked = parser.parse_args()
    quieten()
    start = time.perf_counter()
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for digit in asked.digits:
        for seed in asked.seeds:
            print(f"without {digit}, seed {seed}", file=sys.stderr, flush=True)
            for score, area in areas(digit, seed, asked.epochs).items():
                found[score][digit].append(area)
    print_table(found, asked.digits)
    everywhere = np.mean([distance_area(digit) for digit in range(10)])
    print(f"\n{DISTANCE}, mean over all ten digits: {everywhere:.3f}")
    print(f"{asked.epochs} epochs, seeds {asked.seeds}: {time.perf_counter() - start:.0f} s")


def areas(digit: int, seed: int, epochs: int) -> dict[str, float]:
    """Return the AUC of every score for one digit left out."""
    train, validation, test, left_out = samples(digit)
    found = {DISTANCE: distance_area(digit)}
    for kind in (GAN, BiGAN):
        model = trained(kind, train, validation, seed, epochs)
        of_test, of_left_out = scores(model, test), scores(model, left_out)
        found |= {name: auc(of_test[name], of_left_out[name]) for name in of_test}
    return found


def samples(digit: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training, validation and test images of the other nine, and all of this digit, `(N, 1, 8, 8)`."""
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, *SHAPE)
    nine, left_out = images[labels != digit], images[labels == digit]
    rows = split_rows(len(nine))
    train, validation, test = (nine[torch.from_numpy(part)] for part in (rows.train, rows.val, rows.test))
    return train, validation, test, left_out


def distance_area(digit: int) -> float:
    """Return the AUC of the squared distance to the mean training image."""
    train, _, test, left_out = samples(digit)
    test_distance, left_out_distance = ((x - train.mean(dim=0)).square().sum(dim=(1, 2, 3)) for x in (test, left_out))
    return auc(test_distance.numpy(), left_out_distance.numpy())


def trained(
    kind: type[AdversarialModel], train: Tensor, validation: Tensor, seed: int, epochs: int
) -> AdversarialModel:
    """Return a model after `epochs` epochs on the nine digits."""
    L.seed_everything(seed, verbose=False)
    model = kind(
        SHAPE,
        {"_target_": "hepad.losses.Hinge"},
        latent=8,
        generator=[64, 32],
        circular=False,
        discriminator_lr=1e-3,
    )
    model.prepare(Batch(train))
    model.optimizer_factory = partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9))
    trainer = L.Trainer(
        max_epochs=epochs,
        check_val_every_n_epoch=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        model, BatchLoader(Batch(train), 64, shuffle_seed=seed, drop_last=True), BatchLoader(Batch(validation), 512)
    )
    return model


def scores(model: AdversarialModel, images: Tensor) -> dict[str, NDArray[np.float32]]:
    """Return name → `(N,)` anomaly scores."""
    name, batch = type(model).__name__, Batch(images)
    with torch.no_grad():
        found = {f"{name} {SCORE[name]}": model.anomaly_score(batch)}
        if isinstance(model, BiGAN):
            parts = model.eval().score_parts(batch)
            found |= {f"{name} L_G": parts["reconstruction"], f"{name} L_D": parts["discriminator"]}
        entries = model.represent(batch)
    search = LatentSearch(model.latent_network(), SEARCH)
    start = draw_codes(0, np.arange(len(images)), SEARCH.n_seed, search.latent_shape)
    result = search(entries, torch.from_numpy(start))
    found |= {f"{name} latent search, {reduction}": result.scores(reduction) for reduction in ("mean", "min")}
    return {score: values.numpy() for score, values in found.items()}


def print_table(found: dict[str, dict[int, list[float]]], digits: Sequence[int]) -> None:
    """Print one row per score: AUC for each digit and for their mean, with the spread over seeds in brackets."""
    print(f"| score | {' | '.join(f'without {digit}' for digit in digits)} | mean |")
    print(f"|---|{'---|' * (len(digits) + 1)}")
    for score, by_digit in found.items():
        means = np.mean([by_digit[digit] for digit in digits], axis=0)
        cells = [cell(by_digit[digit]) for digit in digits]
        print(f"| {score} | {' | '.join(cells)} | {cell(means)} |")


def cell(values: Sequence[float] | NDArray[np.float64]) -> str:
    """Return mean ± standard deviation, which one value does not have."""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
