"""Scores of GAN and BiGAN, what they generate, and the watch on collapse."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.diagnostics import GeneratedEntries, Remark, TrainingCurves
from hepad.models import GAN, BiGAN
from hepad.models.adversarial import inversion
from hepad.models.collapse_watch import Watch, watch

HINGE = {"_target_": "hepad.losses.Hinge"}
SHAPES = {"jets": [17], "events": [8, 17], "images": [1, 18, 14]}
HEALTHY = Watch(0.1, 0.8, 1.0, 1.2, 0.95, 0.8, 0.97, 0.7, 0.7)


def entries(kind: str, n: int = 60, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *SHAPES[kind], generator=generator) * 30 + 5
    if kind != "events":
        return Batch(x)
    mask = torch.arange(8) < torch.randint(0, 9, (n,), generator=generator)[:, None]
    return Batch(x * mask.unsqueeze(-1), mask)


def build(model: type[GAN] | type[BiGAN], kind: str, **settings) -> GAN | BiGAN:
    torch.manual_seed(1)
    built = model(SHAPES[kind], HINGE, latent=5, **settings)
    built.prepare(entries(kind, 300))
    return built.eval()


def test_how_well_encoder_and_generator_undo_each_other():
    generator = torch.Generator().manual_seed(0)
    x, code = torch.randn(500, 6, generator=generator) + 3, torch.randn(500, 2, generator=generator)
    perfect = inversion(x, x, code, 2 * code + 1)
    assert perfect.reconstruction == 0
    # Half of the spread of a normal variable and more: √(2/π).
    assert perfect.distance_to_mean == pytest.approx(0.798, abs=0.02)
    assert perfect.code_correlation == pytest.approx(1)
    assert perfect.advice("more epochs") is None
    constant = inversion(x, x.mean(dim=0).expand_as(x), code, torch.ones_like(code))
    assert constant.reconstruction == pytest.approx(constant.distance_to_mean)
    assert constant.code_correlation == 0
    assert "no better than the mean entry" in (constant.advice("more epochs") or "")
    assert inversion(x, x, code, -code).code_correlation == pytest.approx(-1)


@torch.no_grad()
def scored(model, batch: Batch) -> torch.Tensor:
    return model.anomaly_score(batch)


def test_the_discriminator_score_rises_with_the_probability_of_being_generated_and_does_not_saturate():
    model, batch = build(GAN, "jets", score="discriminator"), entries("jets", 200)
    with torch.no_grad():
        model.discriminator.logit.bias.fill_(60.0)
        probability = 1 - torch.sigmoid(model.discriminator(model.represent(batch)))
    assert probability.unique().numel() == 1
    assert scored(model, batch).unique().numel() > 100
    with torch.no_grad():
        model.discriminator.logit.bias.fill_(0.0)
        probability = 1 - torch.sigmoid(model.discriminator(model.represent(batch)))
    assert torch.equal(probability.argsort(), scored(model, batch).argsort())


@pytest.mark.parametrize("kind", SHAPES)
def test_the_score_of_a_gan_is_that_of_f_anogan(kind):
    model, batch = build(GAN, kind, kappa=0.5), entries(kind)
    with torch.no_grad():
        x = model.represent(batch)
        x_hat = model.average.network.generate(model.encode_batch(batch))
        f = model.discriminator.features
        residuals = [(a - b).square().flatten(1).mean(dim=1) for a, b in ((x, x_hat), (f(x), f(x_hat)))]
        parts, logits = model.score_parts(batch), model.discriminator(x)
    torch.testing.assert_close(scored(model, batch), residuals[0] + 0.5 * residuals[1])
    assert set(parts) == {"reconstruction", "features", "discriminator"}
    torch.testing.assert_close(parts["reconstruction"], residuals[0])
    torch.testing.assert_close(parts["features"], residuals[1])
    # Whatever the score, what D says of entries is kept beside it.
    torch.testing.assert_close(parts["discriminator"], -logits)


def test_only_the_discriminators_score_may_be_negative():
    assert GAN.may_score_below_zero({"score": "discriminator"})
    assert not GAN.may_score_below_zero({})
    assert (scored(build(GAN, "events"), entries("events")) >= 0).all()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_score_of_a_bigan_is_its_formula(kind, reduction):
    model, batch = build(BiGAN, kind, reduction=reduction, alpha=0.7), entries(kind)
    with torch.no_grad():
        x = model.represent(batch)
        code = model.encode_batch(batch)
        x_hat = model.latent_network().network(code)
        seen = model.average.network.generate(code)
        f = model.discriminator.features
        reconstruction = (x - seen).abs().flatten(1)
        matching = (f(x, code) - f(seen, code)).abs()
        assert x_hat.shape == batch.x.shape
    sides = [getattr(part, reduction)(dim=1) for part in (reconstruction, matching)]
    torch.testing.assert_close(scored(model, batch), 0.7 * sides[0] + 0.3 * sides[1])
    with torch.no_grad():
        parts = model.score_parts(batch)
    torch.testing.assert_close(parts["reconstruction"], sides[0])
    torch.testing.assert_close(parts["discriminator"], sides[1])


def test_cross_entropy_is_minus_the_log_probability_of_the_label_of_real_pairs():
    model, batch = build(BiGAN, "jets", discriminator_score="cross_entropy", alpha=0.0), entries("jets")
    with torch.no_grad():
        logits = model.discriminator(model.represent(batch), model.encode_batch(batch))
    torch.testing.assert_close(scored(model, batch), -torch.sigmoid(logits).log())


def test_cross_entropy_of_logits_that_are_no_log_odds_is_remarked_on():
    batch = entries("jets")
    remarks = {}
    for loss in ("Hinge", "NonSaturating"):
        model = BiGAN([17], {"_target_": f"hepad.losses.{loss}"}, discriminator_score="cross_entropy")
        model.prepare(batch)
        shown = model.diagnostics({"b": batch}, {}, "b")
        remarks[loss] = [e.text for e in shown if isinstance(e, Remark) and "log-odds" in e.text]
    assert len(remarks["Hinge"]) == 1
    assert "loss=non_saturating" in remarks["Hinge"][0]
    assert remarks["NonSaturating"] == []


def test_the_discriminator_of_a_bigan_learns_slower_on_images():
    rates = {kind: build(BiGAN, kind).discriminator_lr for kind in SHAPES}
    assert rates == {"jets": 4e-4, "events": 4e-4, "images": 1e-4}
    assert build(BiGAN, "images", discriminator_lr=3e-4).discriminator_lr == 3e-4


def test_alpha_one_is_the_reconstruction_alone():
    model, batch = build(BiGAN, "events", alpha=1.0), entries("events")
    with torch.no_grad():
        torch.testing.assert_close(scored(model, batch), model.score_parts(batch)["reconstruction"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"alpha": 1.1}, "from 0 to 1"),
        ({"discriminator_score": "f"}, "feature_matching"),
        ({"reduction": "m"}, "mean"),
        ({"code_inverse": -1.0}, "code_inverse=-1.0; 0 or a positive"),
        ({"reconstruction": float("inf")}, "reconstruction=inf; 0 or a positive"),
    ],
)
def test_unknown_settings_of_the_score_are_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build(BiGAN, "jets", **setting)


@pytest.mark.parametrize(
    ("setting", "said"), [({"score": "a"}, "allowed: encoder, discriminator"), ({"kappa": -1.0}, "kappa=-1.0")]
)
def test_unknown_settings_of_a_gans_score_are_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build(GAN, "jets", **setting)


def test_an_autoencoder_loss_is_refused():
    with pytest.raises(ValueError, match="loss=hinge"):
        GAN([17], {"_target_": "hepad.losses.MSE"})


@pytest.mark.parametrize("normalizer", ["standard", "log", "layer", "none"])
@pytest.mark.parametrize("kind", SHAPES)
def test_generated_entries_are_in_raw_units(kind, normalizer):
    model, like = build(GAN, kind, normalizer=normalizer), entries(kind)
    made = model.generate(like)
    assert made.x.shape == like.x.shape
    assert torch.isfinite(made.x).all()
    assert torch.equal(made.x, model.generate(like).x)
    assert not torch.equal(made.x, model.generate(like, seed=1).x)
    if kind == "events":
        assert (made.x[~made.mask] == 0).all()
        # Which slots are filled is the generator's own decision.
        assert not torch.equal(made.mask, like.mask)
    if kind == "images" and normalizer == "standard":
        assert made.x.min() >= entries(kind, 300).x.min() - 1e-3


def test_what_is_shown():
    model, batch = build(BiGAN, "events"), entries("events", 50)
    shown = {type(diagnostic): diagnostic for diagnostic in model.diagnostics({"b": batch, "s": batch}, {}, "b")}
    assert {GeneratedEntries, TrainingCurves} <= set(shown)
    assert shown[GeneratedEntries].mask.shape == (50, 8)
    columns = [column for group in shown[TrainingCurves].panels.values() for column in group]
    assert {column for column in columns if column.startswith("val/")} >= {"val/loss", "val/coverage"}


def test_both_parts_of_the_score_are_collected_with_it():
    model, batch = build(BiGAN, "events"), entries("events", 50)
    model.train()
    with torch.no_grad():
        found = model.test_step(batch, 0)
    assert set(found) == {"score", "part/reconstruction", "part/discriminator"}
    torch.testing.assert_close(0.9 * found["part/reconstruction"] + 0.1 * found["part/discriminator"], found["score"])


def test_a_collapsed_generator_is_noticed_and_the_warning_says_what_to_try(capsys):
    model, batch = build(GAN, "jets"), entries("jets", 80)
    with torch.no_grad():
        for weight in model.average.network.parameters():
            weight.zero_()
    model._validated = [model.represent(batch)]
    model.log = model.log_dict = lambda *_, **__: None
    model.on_validation_epoch_end()
    assert model.last_watch.pairwise_ratio == 0
    assert model.last_watch.spread_high == 0
    model._trainer = type("Trainer", (), {"is_global_zero": True})()
    model.on_train_end()
    collapse, inverse = capsys.readouterr().err.splitlines()
    assert "mode collapse" in collapse
    # What draws the same entry always reconstructs nothing.
    assert "reconstructions are no better than the mean entry" in inverse
    remarks = [e.text for e in model.diagnostics({"b": batch}, {}, "b") if isinstance(e, Remark)]
    assert len(remarks) == 2
    assert "mode collapse" in remarks[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"pairwise_ratio": 0.3}, "mode collapse"),
        ({"coverage": 0.3}, "near 30% of real ones, where other real entries come near 97%"),
        # A handful of entries covers one another badly, and a generator no worse.
        ({"coverage": 0.3, "coverage_real": 0.4}, None),
        ({"accuracy_real": 0.99, "accuracy_generated": 0.97}, "teaches the generator little"),
        ({"accuracy_real": 0.9, "accuracy_generated": 0.1}, "no better than a coin"),
    ],
)
def test_advice(changes, said):
    advice = HEALTHY._replace(**changes).advice()
    if said is None:
        assert advice is None
        return
    assert said in advice
    # Measured to make scores of images worse.
    assert "r1" not in advice


def test_the_watch_of_a_sample_and_its_copy():
    real = torch.randn(100, 2, 3)
    real[..., 0] = 7.0
    logits = torch.tensor([1.0, -1.0]).repeat(50)
    found = watch([real], [real.flip(0)], logits, logits.abs())
    assert (found.energy_distance, found.pairwise_ratio) == pytest.approx((0, 1), abs=1e-6)
    # A feature that never varies has no spread to compare.
    assert (found.spread_low, found.spread_high) == pytest.approx((1, 1))
    assert (found.accuracy_real, found.accuracy_generated, found.accuracy) == (0.5, 0.0, 0.25)


@pytest.mark.parametrize(
    ("scale", "said"), [(1.0, None), (0.6, "come near"), (0.2, "mode collapse"), (0.0, "mode collapse")]
)
def test_advice_for_a_fine_a_shrunken_and_a_collapsed_generator(scale, said):
    generator = torch.Generator().manual_seed(0)
    # Counts, of which no smooth generator makes one exactly.
    real, other = torch.randn(2, 1000, 6, generator=generator).exp().round()
    smooth = other.mean(dim=0) + scale * (other - other.mean(dim=0)) + 0.02 * torch.randn(1000, 6, generator=generator)
    logits = torch.tensor([1.0, 1.0, 1.0, -1.0]).repeat(250)
    found = watch([real], [smooth], logits, -logits)
    assert found.coverage_real > 0.9
    assert (found.coverage > 0.9 * found.coverage_real) == (scale == 1)
    assert (found.coverage < 0.5 * found.coverage_real) == (scale < 1)
    advice = found.advice()
    assert advice is None if said is None else said in advice


def test_codes_enter_the_energy_distance_alone():
    real, code = torch.randn(200, 3), torch.randn(200, 2)
    logits = torch.zeros(200)
    alone, pairs = watch([real], [real], logits, logits), watch([real, code], [real, code + 2], logits, logits)
    assert pairs.energy_distance > alone.energy_distance + 0.1
    assert pairs[1:] == alone[1:]
