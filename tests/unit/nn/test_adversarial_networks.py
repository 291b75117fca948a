"""Generators, discriminators and encoders: shapes, order of objects, spectral norms, the moving average."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.optim.swa_utils import AveragedModel

from hepad.nn.adversarial import AdversarialNetworks
from hepad.nn.ema import MovingAverage
from hepad.nn.generators import ObjectsOnly, sort_slots
from hepad.nn.phi_conv import PhiDoubling, PhiHalving

SHAPES = {
    "jets": (17,),
    "events": (8, 18),
    "calo": (1, 18, 14),
    "odd": (2, 9, 15),
    "jet_images": (1, 40, 40),
    "large": (3, 72, 58),
}


def networks(kind: str, **settings) -> AdversarialNetworks:
    torch.manual_seed(0)
    chosen = {"latent": 5, "generator": None, "discriminator": None, "activation": "leaky_relu", "circular": True}
    return AdversarialNetworks(SHAPES[kind], **(chosen | settings))


@pytest.mark.parametrize("kind", SHAPES)
def test_shapes_follow_the_entry(kind):
    found = networks(kind)
    maker = found.build_maker(with_encoder=True)
    code = torch.randn(3, 5)
    entries = maker.generate(code)
    assert entries.shape == (3, *SHAPES[kind])
    assert maker.encode(entries).shape == (3, 5)
    assert found.build_discriminator(False, True)(entries).shape == (3,)
    pairs = found.build_discriminator(True, True)
    assert pairs(entries, code).shape == (3,)
    assert not torch.equal(pairs(entries, code), pairs(entries, -code))


@pytest.mark.parametrize("kind", SHAPES)
def test_a_generator_works_under_functional_call_and_vmap(kind):
    generator = networks(kind).build_maker(with_encoder=False).generator.eval()
    codes = torch.randn(4, 5)
    weights, buffers = dict(generator.named_parameters()), dict(generator.named_buffers())

    def squares(weights, code):
        return functional_call(generator, (weights, buffers), (code[None],)).square().sum()

    found = vmap(grad(squares, argnums=1), in_dims=(None, 0))(weights, codes)
    codes.requires_grad_(True)
    generator(codes).square().sum().backward()
    torch.testing.assert_close(found, codes.grad, rtol=1e-4, atol=1e-4)


def test_generated_events_look_like_events():
    torch.manual_seed(1)
    events = networks("events").build_maker(with_encoder=False).generate(torch.randn(200, 5))
    objects, present = events[..., :-1], events[..., -1]
    assert set(present.unique().tolist()) == {0.0, 1.0}
    assert (objects[present == 0] == 0).all()
    # Slots that hold something come first, and by falling pT.
    assert (present.diff(dim=1) <= 0).all()
    both = (present[:, 1:] == 1) & (present[:, :-1] == 1)
    assert (objects[..., 0].diff(dim=1)[both] <= 0).all()


def test_whether_a_slot_is_filled_has_a_gradient():
    generator = networks("events").build_maker(with_encoder=False).generator
    code = torch.randn(20, 5, requires_grad=True)
    generator(code)[..., -1].sum().backward()
    assert code.grad.abs().sum() > 0
    assert ObjectsOnly(generator)(code).shape == (20, 8, 17)


def test_sorting_slots_is_a_permutation_of_each_event():
    events = torch.randn(50, 8, 3)
    events = events * (torch.rand(50, 8, 1) > 0.5)
    events[..., -1] = (events[..., 0] != 0).float()
    ordered = sort_slots(events[:, torch.randperm(8)])
    torch.testing.assert_close(ordered, sort_slots(events))
    torch.testing.assert_close(ordered.sum(dim=1), events.sum(dim=1))


def test_an_event_is_judged_whatever_the_order_of_its_objects_and_the_content_of_empty_slots():
    found = networks("events")
    discriminator = found.build_discriminator(False, True).eval()
    events = found.build_maker(with_encoder=False).generate(torch.randn(30, 5))
    logits = discriminator(events)
    torch.testing.assert_close(discriminator(events[:, torch.randperm(8)]), logits)
    filled = torch.where(events[..., -1:] == 0, torch.tensor(7.0), events)
    filled[..., -1] = events[..., -1]
    torch.testing.assert_close(discriminator(filled), logits)


def test_pixels_never_fall_below_the_lowest():
    generator = networks("calo").build_maker(with_encoder=False).generator
    assert (generator(torch.randn(20, 5)) < -0.3).any()
    generator.lowest.fill_(-0.3)
    made = generator(torch.randn(20, 5)).detach()
    assert made.min() == pytest.approx(-0.3)
    assert (made == generator.lowest).float().mean() > 0.05


@pytest.mark.parametrize("layer", [PhiHalving(2, 3), PhiDoubling(2, 3)], ids=lambda layer: type(layer).__name__)
def test_rotating_by_what_a_stride_keeps_rotates_the_result(layer):
    x = torch.randn(2, 2, 12, 10)
    factor = 2 if isinstance(layer, PhiDoubling) else 0.5
    moved = layer(x.roll(4, dims=2))
    torch.testing.assert_close(moved, layer(x).roll(int(4 * factor), dims=2), rtol=1e-4, atol=1e-5)
    assert moved.shape == (2, 3, int(12 * factor), int(10 * factor))


def test_spectral_norm_bounds_every_weight():
    discriminator = networks("calo").build_discriminator(True, True)
    for _ in range(100):
        discriminator(torch.randn(4, 1, 18, 14), torch.randn(4, 5))
    weights = [part.weight for part in discriminator.modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    norms = [torch.linalg.matrix_norm(weight.flatten(1), ord=2).item() for weight in weights]
    assert len(norms) == 4
    assert norms == pytest.approx([1.0] * len(norms), abs=1e-2)
    plain = networks("calo").build_discriminator(True, False)
    assert not any("parametrizations" in name for name in plain.state_dict())


@pytest.mark.parametrize(
    ("shape", "first", "doublings", "halvings"),
    [
        ((1, 18, 14), (9, 7), 1, 2),
        ((5, 16, 16), (4, 4), 2, 3),
        ((1, 40, 40), (5, 5), 3, 4),
        ((4, 64, 64), (4, 4), 4, 5),
        ((3, 72, 58), (5, 4), 4, 4),
        ((1, 256, 256), (4, 4), 6, 7),
    ],
)
def test_networks_of_images_are_as_deep_as_these_are_large(shape, first, doublings, halvings):
    with torch.device("meta"):
        found = AdversarialNetworks(shape, 5, None, None, "leaky_relu", circular=True)
        maker = found.build_maker(with_encoder=True)
        discriminator = found.build_discriminator(True, True)
    small = next(part for part in maker.generator.modules() if isinstance(part, nn.Unflatten))
    assert small.unflattened_size[1:] == first
    steps = [sum(isinstance(part, kind) for part in network.modules()) for network, kind in (
        (maker.generator, PhiDoubling), (maker.encoder, PhiHalving), (discriminator, PhiHalving))]  # fmt: skip
    assert steps == [doublings, halvings, halvings]
    assert maker.generate(torch.empty(2, 5, device="meta")).shape == (2, *shape)


def test_channels_given_say_how_deep_a_generator_is():
    generator = networks("jet_images", generator=[8, 4]).build_maker(with_encoder=False).generator
    assert sum(isinstance(part, PhiDoubling) for part in generator.modules()) == 1
    assert generator(torch.randn(2, 5)).shape == (2, 1, 40, 40)


def test_too_small_an_image_and_no_layers_are_refused():
    with pytest.raises(ValueError, match="cannot be halved 4 times"):
        networks("calo", discriminator=[4, 4, 4, 4]).build_discriminator(False, True)
    with pytest.raises(ValueError, match="generator="):
        networks("jets", generator=[])
    with pytest.raises(ValueError, match="latent=0"):
        networks("jets", latent=0)


def test_the_moving_average_averages_parameters_and_copies_buffers():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = MovingAverage(network, decay=0.5)
    start = copy.deepcopy(network)
    with torch.no_grad():
        network[0].weight += 1
        network[1].running_mean += 5
    average.update(network)
    # The first updates count more: d = 1 / 10.
    torch.testing.assert_close(average.network[0].weight, 0.1 * start[0].weight + 0.9 * network[0].weight)
    torch.testing.assert_close(average.network[1].running_mean, network[1].running_mean)
    assert not any(weight.requires_grad for weight in average.parameters())
    for _ in range(60):
        average.update(network)
    torch.testing.assert_close(average.network[0].weight, network[0].weight)


def test_the_moving_average_is_torch_s_once_it_has_begun():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    average = MovingAverage(network, decay=0.5)

    def step(slow, fast, updates):
        n = int(updates) - 1
        torch._foreach_lerp_(slow, fast, 1 - min(0.5, (1 + n) / (10 + n)))

    # Copies at its first update, so it begins one ahead.
    theirs = AveragedModel(network, multi_avg_fn=step)
    theirs.n_averaged += 1
    for _ in range(30):
        network(torch.randn(8, 3))
        with torch.no_grad():
            for weight in network.parameters():
                weight += torch.randn_like(weight)
            theirs.update_parameters(network)
        average.update(network)
    for ours, other in zip(average.network.state_dict().values(), theirs.module.state_dict().values(), strict=True):
        assert torch.equal(ours, other)


def test_averaging_a_spectrally_normalised_network_keeps_its_scale():
    discriminator = networks("jets").build_discriminator(False, True)
    average = MovingAverage(discriminator, decay=0.99)
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-2)
    for _ in range(200):
        x = torch.randn(32, 17)
        optimizer.zero_grad()
        (discriminator(x) * x[:, 0]).mean().backward()
        optimizer.step()
        average.update(discriminator)
    average.eval()
    for part in average.network.modules():
        if isinstance(part, nn.Linear):
            assert torch.linalg.matrix_norm(part.weight, ord=2).item() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_outside_its_range_is_refused(decay):
    with pytest.raises(ValueError, match="ema="):
        MovingAverage(nn.Linear(1, 1), decay)
