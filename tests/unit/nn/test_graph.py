"""Graphs of sets: neighbours, edge convolutions against a plain loop, and that empty slots are nobody's neighbours."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hepad.nn.graph import EdgeConv, GraphEncoder, SetDecoder, into_slots, neighbours


def objects(seed: int, counts: list[int], slots: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(len(counts), slots, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x, torch.arange(slots) < torch.tensor(counts).unsqueeze(1)


@pytest.mark.parametrize("k", [1, 3, 20, None])
def test_neighbours_are_the_nearest_of_a_plain_loop(k):
    x, mask = objects(0, [9, 5, 2, 1, 0])
    found = neighbours(x, mask, k).numpy()
    for i, (entry, real) in enumerate(zip(x.numpy(), mask.numpy(), strict=True)):
        n = int(real.sum())
        for a in range(9):
            order = sorted(range(n), key=lambda b: np.sum((entry[a] - entry[b]) ** 2))
            expected = set(order[: n if k is None else k]) if a < n else set()
            assert set(np.flatnonzero(found[i, a])) == expected


def test_duplicates_are_all_neighbours_so_that_no_order_chooses_among_them():
    x = torch.tensor([[[0.0], [0.0], [0.0], [5.0]]])
    found = neighbours(x, torch.ones(1, 4, dtype=torch.bool), 2)[0].int().tolist()
    assert found == [[1, 1, 1, 0]] * 3 + [[1, 1, 1, 1]]


@pytest.mark.parametrize("k", [3, None])
def test_an_edge_convolution_is_that_of_a_plain_loop(k):
    torch.manual_seed(0)
    x, mask = objects(1, [9, 4, 1, 0])
    layer = EdgeConv(3, 6, "leaky_relu").double()
    edges = neighbours(x, mask, k)
    found = layer(x, edges)
    (theta, bias), phi = layer.center.parameters(), layer.edge.weight
    last = layer.objects[1]
    for i, a in np.ndindex(4, 9):
        near = [b for b in range(9) if edges[i, a, b]]
        if not near:
            assert (found[i, a] == 0).all()
            continue
        of_edges = [theta @ x[i, a] + bias + phi @ (x[i, b] - x[i, a]) for b in near]
        largest = torch.stack([F.leaky_relu(edge, 0.2) for edge in of_edges]).amax(dim=0)
        torch.testing.assert_close(found[i, a], F.leaky_relu(last.weight @ largest + last.bias, 0.2))


@pytest.mark.parametrize("k", [3, 16, None])
def test_order_and_padding_change_no_code(k):
    torch.manual_seed(0)
    x, mask = objects(2, [9, 6, 3, 2, 1, 0])
    encoder = GraphEncoder(3, [8, 8], latent=4, k=k, activation="leaky_relu").double()
    code = encoder(x, mask)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(encoder(x[:, order], mask[:, order]), code)
    longer = torch.cat([x, torch.full((6, 5, 3), 0.1, dtype=x.dtype)], dim=1)
    padded = torch.cat([mask, torch.zeros(6, 5, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(encoder(longer, padded), code)
    torch.testing.assert_close(encoder(x), encoder(x, torch.ones_like(mask)))
    for i in range(5):
        torch.testing.assert_close(encoder(x[i : i + 1, mask[i]]), code[i : i + 1])


@pytest.mark.parametrize("k", [2, None])
def test_gradients_are_finite_and_do_not_reach_empty_slots(k):
    torch.manual_seed(0)
    x, mask = objects(3, [9, 2, 1, 0, 6])
    x[4] = x[4, 0]
    encoder = GraphEncoder(3, [8, 8], latent=4, k=k, activation="relu").double()
    encoder(x.requires_grad_(), mask).square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad[~mask] == 0).all()
    assert all(torch.isfinite(weights.grad).all() for weights in encoder.parameters())
    assert x.grad[mask].any()


def test_objects_go_into_the_slots_that_are_there():
    mask = torch.tensor([[True, False, True, True], [False, False, False, True]])
    made = torch.arange(8.0).reshape(2, 4, 1) + 1
    assert into_slots(made, mask)[..., 0].tolist() == [[1, 0, 2, 3], [0, 0, 0, 5]]


def test_a_decoder_makes_sets_of_codes_and_is_mapped_over_many():
    torch.manual_seed(0)
    decoder = SetDecoder(4, [8], (5, 3), "relu")
    codes = torch.randn(2, 6, 4)
    together = torch.func.vmap(decoder)(codes)
    torch.testing.assert_close(together[1], decoder(codes[1]))
    assert together.shape == (2, 6, 5, 3)


@pytest.mark.parametrize("sizes", [{"hidden": []}, {"latent": 0}, {"k": 0}])
def test_sizes_that_make_no_encoder_are_refused(sizes):
    with pytest.raises(ValueError, match="at least"):
        GraphEncoder(3, **{"hidden": [8], "latent": 2, "k": 4, "activation": "relu"} | sizes)
