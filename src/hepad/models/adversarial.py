"""Diagnostics of a GAN and a BiGAN: made-up entries, the watch on collapse, and the encoder against the generator."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, on_device, take_rows
from hepad.core.diagnostics import Diagnostic, GeneratedEntries, Remark, TrainingCurves
from hepad.core.float32 import at_least_float32, computed_in, in_precision
from hepad.core.gathering import gather_interleaved, place_in_training
from hepad.models.alternating import AlternatingModel
from hepad.models.base import eval_mode
from hepad.models.capabilities import draw_normal, entries_to_sample, sampling
from hepad.models.collapse_watch import CURVES, Watch, watch
from hepad.nn import LatentNetwork
from hepad.nn.generators import ObjectsOnly


class Inversion(NamedTuple):
    """Measures of how well E and G undo each other on entries that were not trained on.

    Attributes:
        reconstruction: mean of |x − G(E(x))| over entries and elements.
        distance_to_mean: that of |x − x̄|, with x̄ the mean of these entries: what a model reaches that draws the same
            entry whatever it is given.
        code_correlation: Pearson correlation of z and E(G(z)) over codes and their elements; 1 where E inverts G.
    """

    reconstruction: float
    distance_to_mean: float
    code_correlation: float

    def advice(self, remedy: str) -> str | None:
        """Return one line where reconstructions are no better than the mean entry, None else.

        Args:
            remedy: what to try, of what the model has.
        """
        if self.reconstruction < self.distance_to_mean:
            return None
        return (
            "reconstructions are no better than the mean entry: |x − G(E(x))| is "
            f"{self.reconstruction:.3g} on average, |x − mean| {self.distance_to_mean:.3g}; try {remedy}"
        )


def inversion(x: Tensor, x_hat: Tensor, code: Tensor, found: Tensor) -> Inversion:
    """Compare entries with their reconstructions, and codes with those found in what is made of them.

    Args:
        x: `(N, *shape)` normalised entries.
        x_hat: `(N, *shape)` G(E(x)).
        code: `(M, L)` codes z.
        found: `(M, L)` E(G(z)).
    """
    centred, centred_found = (values - values.mean() for values in (code, found))
    norm = centred.square().sum().sqrt() * centred_found.square().sum().sqrt()
    return Inversion(
        reconstruction=float((x - x_hat).abs().mean()),
        distance_to_mean=float((x - x.mean(dim=0)).abs().mean()),
        # An encoder that finds one code everywhere is correlated with nothing.
        code_correlation=float((centred * centred_found).sum() / norm.clamp(min=torch.finfo(norm.dtype).tiny)),
    )


WATCHED: Final = 1000
"""Validation entries that are compared with as many generated ones, every epoch."""

_SHOWN: Final = 2000


class AdversarialModel(AlternatingModel):
    """A generator and a discriminator trained against each other, watched with the help of background alone.

    `val/loss` is the energy distance between validation entries and as many generated ones, and what the best epoch is
    chosen by: adversarial losses say how the game stands, not how good the generator is.

    Arguments are those of `AlternatingModel`.
    """

    monitors: ClassVar[tuple[str, ...]] = (
        "val/loss",
        "val/coverage",
        "val/pairwise_ratio",
        "val/accuracy",
        "val/reconstruction",
        "val/code_correlation",
        "train/loss_generator",
        "train/loss_discriminator",
    )

    # What to try where reconstructions are no better than the mean entry.
    inversion_remedy: ClassVar[str] = "more epochs"

    def __init__(self, entry_shape: Sequence[int], loss: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(entry_shape, loss, **settings)
        self._validated: list[Tensor] = []
        self.last_watch: Watch | None = None
        self.last_inversion: Inversion | None = None

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the first entries of the background's validation part for the end of the epoch."""
        # Of the first of all processes, of which this one has every n-th.
        rank, n_processes = place_in_training()
        wanted = len(range(rank, WATCHED, n_processes)) - sum(len(x) for x in self._validated)
        if wanted > 0:
            self._validated.append(self.represent(drawn_by_weight(batch))[:wanted])

    def on_validation_epoch_end(self) -> None:
        """Compare validation entries with generated ones and log what is found; the codes are the same every epoch."""
        own = {"real": torch.cat(self._validated)} if self._validated else {}
        real = (gather_interleaved(own) if place_in_training()[1] > 1 else own)["real"].to(self.device)
        self._validated = []
        self.last_watch = self.watch(real)
        self.last_inversion = self.inversion(real)
        found = self.last_watch._asdict() | {"accuracy": self.last_watch.accuracy} | self.last_inversion._asdict()
        self.log("val/loss", found.pop("energy_distance"), prog_bar=True)
        self.log_dict({f"val/{name}": value for name, value in found.items()})

    @torch.no_grad()
    def watch(self, real: Tensor) -> Watch:
        """Compare represented real entries with as many made by the averaged generator."""
        with eval_mode(self):
            made = self.average.network
            generated = self.generated_inputs(self.draw_codes(len(real), seed=0), made)
            inputs = self.real_inputs(real, made)
            logits = self.discriminator(*inputs), self.discriminator(*generated)
        # Distances are not defined for half precision.
        inputs, generated = (tuple(map(at_least_float32, x)) for x in (inputs, generated))
        return watch(inputs, generated, *logits)

    @torch.no_grad()
    def inversion(self, real: Tensor) -> Inversion:
        """Look how well the averaged encoder and generator undo each other on represented real entries and on codes."""
        with eval_mode(self):
            made, code = self.average.network, self.draw_codes(len(real), seed=0)
            return inversion(real, made.generate(made.encode(real)), code, made.encode(made.generate(code)))

    def on_train_end(self) -> None:
        """Say what looks wrong at the end, and what to try, a line each."""
        if self.last_watch is None or self.last_inversion is None or not self.trainer.is_global_zero:
            return
        for advice in self._advice(self.last_watch, self.last_inversion):
            print(f"warning: last epoch: {advice}", file=sys.stderr, flush=True)

    def _advice(self, watched: Watch, undone: Inversion) -> Iterator[str]:
        for advice in (watched.advice(), undone.advice(self.inversion_remedy)):
            if advice is not None:
                yield advice

    def latent_network(self) -> LatentNetwork:
        """Return the averaged generator; for events without the feature that says which slots are there."""
        generator = self.average.network.generator
        network = ObjectsOnly(generator) if self.has_slots else generator
        return LatentNetwork(network, (self.latent,), unit_normal_prior=True)

    def latent_target(self, batch: Batch) -> tuple[Tensor, None]:
        """Return normalised entries, all slots of which count: which of them are empty is the generator's to say."""
        return self.normalizer(batch.x, batch.mask), None

    def encode_batch(self, batch: Batch) -> Tensor:
        """Return the codes E(x), `(B, latent)`."""
        with eval_mode(self):
            return self.average.network.encode(self.represent(batch))

    @torch.no_grad()
    def generate(self, like: Batch, seed: int = 0) -> Batch:
        """Return made-up entries in raw units, one for each entry of `like`, on the CPU.

        Only the normaliser `layer` takes anything from `like`: the entry's mean and spread.
        """
        like = on_device(like, self.device)
        with eval_mode(self):
            z = self.average.network.generate(self.draw_codes(len(like.x), seed))
        return on_device(self._raw(z, like), torch.device("cpu"))

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return G(z) of the averaged generator in raw units, z ~ N(0, 1); see `Generative`."""
        shape = (entries_to_sample(self, n), self.latent)
        with sampling(self):
            made = self._raw(self.average.network.generate(draw_normal(shape, generator, self)))
        return Batch(made.x.float().cpu(), None if made.mask is None else made.mask.cpu())

    def reconstruct_raw(self, batch: Batch) -> Tensor:
        """Return G(E(x)) in raw units; in events the slots that G leaves empty are 0."""
        batch = in_precision(batch, self.precision)
        with eval_mode(self), computed_in(self.precision, self.device.type):
            network = self.average.network
            return self._raw(network.generate(network.encode(self.represent(batch))), batch).x

    def _raw(self, z: Tensor, like: Batch | None = None) -> Batch:
        """Return represented entries in raw units; the normaliser `layer` takes mean and spread from `like`."""
        x, mask = (None, None) if like is None else (like.x, like.mask)
        if not self.has_slots:
            return Batch(self.normalizer.inverse(z, x))
        filled = z[..., -1] > 0.5
        raw = self.normalizer.inverse(z[..., :-1], x, mask)
        return Batch(torch.where(filled.unsqueeze(-1), raw, torch.zeros_like(raw)), filled)

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show generated entries beside the background, and how the watched numbers went."""
        real = drawn_by_weight(take_rows(samples[background], slice(_SHOWN)))
        made = self.generate(real)
        yield GeneratedEntries("Generated entries", real, made.x, made.mask)
        yield TrainingCurves("adversarial_training", "The game and what its generator makes, per epoch", CURVES)
        watched = self.represent(on_device(take_rows(real, slice(WATCHED)), self.device))
        for advice in self._advice(self.watch(watched), self.inversion(watched)):
            yield Remark(f"On test background, {advice}.")
