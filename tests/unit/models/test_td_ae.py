"""The time-distributed autoencoder: one network for all jets, empty slots left out or counted."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.models import DenseAutoencoder, TimeDistributedAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


def make_events(n_events: int, seed: int = 0) -> Batch:
    """Return events of 0 to 5 jets in 6 slots."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_events, 6, 17, generator=generator) * 20 + 5
    x[torch.arange(6) >= torch.randint(0, 6, (n_events, 1), generator=generator)] = 0
    return Batch(x=x, mask=(x != 0).any(dim=-1))


@pytest.fixture(params=[True, False], ids=["masked", "counted"])
def model(request):
    torch.manual_seed(0)
    made = TimeDistributedAutoencoder(entry_shape=[6, 17], loss=MSE, mask=request.param)
    made.prepare(make_events(300))
    made.train()
    for seed in range(3):  # let batch norm settle
        batch = made.view(make_events(100, seed))
        made.reconstruct(made.normalizer(batch.x, batch.mask), batch.mask)
    return made


def score(model, batch):
    with torch.no_grad():
        return model.anomaly_score(batch)


def test_an_event_is_the_mean_of_its_jets_each_through_the_dense_network(model):
    dense = DenseAutoencoder(entry_shape=[17], loss=MSE)
    dense.network.load_state_dict(model.network.state_dict())
    dense.normalizer.load_state_dict(model.normalizer.state_dict())
    batch = make_events(40, seed=9)
    for x, mask, found in zip(batch.x, batch.mask, score(model, batch), strict=True):
        jets = score(dense, Batch(x=x[mask] if model.mask else x))  # without a mask jets of zeros are jets too
        torch.testing.assert_close(found, jets.mean() if len(jets) else torch.tensor(0.0))


def test_the_order_of_jets_does_not_matter(model):
    batch = make_events(40, seed=9)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    shuffled = Batch(x=batch.x[:, order], mask=batch.mask[:, order])
    torch.testing.assert_close(score(model, shuffled), score(model, batch))


def test_an_event_without_jets_scores_zero_only_where_empty_slots_do_not_count(model):
    empty = Batch(x=torch.zeros(2, 6, 17), mask=torch.zeros(2, 6, dtype=torch.bool))
    found = score(model, empty)
    assert (found == 0).all() if model.mask else (found > 0).all()


def test_more_empty_slots_change_nothing_where_they_do_not_count(model):
    batch = make_events(40, seed=9)
    longer = Batch(
        x=torch.cat([batch.x, torch.zeros(40, 3, 17)], dim=1),
        mask=torch.cat([batch.mask, torch.zeros(40, 3, dtype=torch.bool)], dim=1),
    )
    unchanged = torch.allclose(score(model, longer), score(model, batch), rtol=1e-5)
    assert unchanged is model.mask


def test_batch_norm_sees_real_jets_alone_where_there_is_a_mask(model):
    batch = model.view(make_events(200, seed=4))
    seen = []
    for part in model.network.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.register_forward_pre_hook(lambda part, inputs: seen.append(len(inputs[0])))
    model.train()
    model.reconstruct(model.normalizer(batch.x, batch.mask), batch.mask)
    assert seen
    assert set(seen) == {int(batch.mask.sum()) if model.mask else 200 * 6}


@pytest.mark.parametrize("n_jets", [0, 1])
def test_a_training_batch_with_hardly_a_jet_passes(model, n_jets):
    x = torch.zeros(2, 6, 17)
    x[0, :n_jets] = 30
    batch = model.view(Batch(x=x, mask=(x != 0).any(dim=-1)))
    model.train()
    before = [part.training for part in model.modules()]
    z = model.normalizer(batch.x, batch.mask)
    loss = model.loss(model.reconstruct(z, batch.mask), z, batch.mask).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert [part.training for part in model.modules()] == before


def test_loss_per_feature_adds_up_to_the_score_of_events_with_one_jet(model):
    x = torch.zeros(5, 6, 17)
    x[:, 0] = torch.randn(5, 17, generator=torch.Generator().manual_seed(2)) * 20
    batch = Batch(x=x, mask=(x != 0).any(dim=-1))
    with torch.no_grad():
        torch.testing.assert_close(model.loss_per_feature(batch).mean(1), score(model, batch))
