"""Export without a run: every kind of stand-in says what its model says, for any number of entries."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.exporting.decompositions import asinh, searchsorted, sinh, squeezed
from hepad.exporting.programs import as_onnx, traced
from hepad.exporting.runtimes import onnx_scoring
from hepad.exporting.scorer import Scorer
from hepad.exporting.stand_ins import UnrolledMixture
from hepad.exporting.unrolled_trees import UnrolledTrees
from hepad.models import (
    BIBAE,
    AnomalyModel,
    Classifier,
    DenseAutoencoder,
    Flow,
    FlowMatching,
    GaussianMixture,
    PyodDetector,
    TimeDistributedAutoencoder,
    Trees,
)

MSE = {"_target_": "hepad.losses.MSE"}


def jets(n: int = 300, features: int = 5) -> torch.Tensor:
    return torch.randn(n, features) * torch.arange(1, features + 1) + 3


def two_classes(n: int = 300) -> Batch:
    label = torch.arange(n) % 2
    return Batch(jets(n) + label.unsqueeze(1), label=label)


def fitted(model: AnomalyModel, train: Batch) -> AnomalyModel:
    model.prepare(train)
    return model.eval()


def isolation_forest() -> AnomalyModel:
    return fitted(Trees((5,), kind="isolation_forest", n_trees=20), Batch(jets()))


def boosted() -> AnomalyModel:
    return fitted(Trees((5,), members=3, max_iter=8), two_classes())


def mixture() -> AnomalyModel:
    return fitted(GaussianMixture((5,), components=3), Batch(jets()))


def mean_of_epochs() -> AnomalyModel:
    model = Classifier((5,), hidden=[8], average=2)
    model.prepare(two_classes())
    for epoch in range(2):
        assert model.best_epochs is not None
        with torch.no_grad():
            for weight in model.network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        model.best_epochs.offer(model.network, 1.0 - 0.1 * epoch, epoch)
    return model.eval()


@pytest.mark.parametrize("make", [isolation_forest, boosted])
def test_trees_are_one_operator_of_onnx_and_cut_where_the_model_cuts(make: object) -> None:
    # In float32, as a checkpoint gives it back.
    model = make().float()  # type: ignore[operator]
    scorer = Scorer(model, native=True)
    onnx_model = as_onnx(scorer, traced(scorer))
    operators = [node.op_type for node in onnx_model.graph.node]
    assert operators.count("TreeEnsembleRegressor") == 1
    assert "GatherElements" not in operators
    score = onnx_scoring(onnx_model.SerializeToString(), threads=1)
    inner = model.trees.left != torch.arange(model.trees.left.shape[1])
    cuts = model.trees.threshold[inner][:100].float().unsqueeze(1).expand(-1, 5)
    at_cuts = [cuts, *(torch.nextafter(cuts, torch.tensor(side)) for side in (-np.inf, np.inf))]
    for x in (jets(1), torch.cat([jets(200), *at_cuts])):
        with torch.no_grad():
            expected = model.anomaly_score(Batch(x)).numpy()
        np.testing.assert_allclose(score([x.numpy()])["score"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("make", [isolation_forest, boosted, mixture, mean_of_epochs])
def test_a_stand_in_says_what_its_model_says(make: object) -> None:
    model = make()  # type: ignore[operator]
    scorer, x = Scorer(model), jets(200)
    with torch.no_grad():
        torch.testing.assert_close(scorer(x)[0], model.anomaly_score(Batch(x)).float(), rtol=1e-6, atol=1e-6)


def set_flow() -> AnomalyModel:
    return Flow((4, 3), kind="maf", transforms=1, hidden=[8], coordinates="standard")


def flow_matching() -> AnomalyModel:
    return FlowMatching((4, 3), hidden=[8], n_steps=2, score="norm")


def per_slot() -> AnomalyModel:
    return TimeDistributedAutoencoder((4, 3), loss=MSE)


@pytest.mark.parametrize("make", [set_flow, flow_matching, per_slot])
def test_what_is_computed_otherwise_in_an_export_is_the_same(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make()  # type: ignore[operator]
    batch = Batch(torch.randn(60, 4, 3), torch.arange(4).expand(60, 4) < torch.randint(0, 5, (60, 1)))
    model.prepare(batch)
    with torch.no_grad():
        expected = model.anomaly_score(batch)
        monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
        torch.testing.assert_close(model.anomaly_score(batch), expected, rtol=1e-5, atol=1e-5)


def test_trees_cut_where_float64_cuts() -> None:
    """A threshold between two neighbours of float32 separates the same values in both."""
    model = isolation_forest()
    assert isinstance(model, Trees)
    cuts = model.trees.threshold[0][model.trees.left[0] != torch.arange(model.trees.left.shape[1])]
    at = cuts.to(torch.float32).unsqueeze(1).expand(-1, 5)
    beside = torch.cat([torch.nextafter(at, torch.tensor(side)) for side in (-np.inf, np.inf)] + [at])
    torch.testing.assert_close(UnrolledTrees(model.trees)(beside), model.trees(beside), rtol=0, atol=0)


def test_a_mixture_is_that_of_scipy() -> None:
    from scipy.stats import multivariate_normal

    model = mixture()
    assert isinstance(model, GaussianMixture)
    parts, z = model.mixture, torch.randn(20, 5).double()
    covariance = (parts.root @ parts.root.transpose(1, 2)).numpy()
    density = sum(
        float(w) * multivariate_normal(m, c).pdf(z.numpy())
        for w, m, c in zip(parts.weight, parts.mean.numpy(), covariance, strict=True)
    )
    np.testing.assert_allclose(UnrolledMixture(parts)(z).numpy(), np.log(density), rtol=1e-10)


def test_hyperbolic_sines_of_float64_alone_are_written_out() -> None:
    x = torch.cat([torch.linspace(-20, 20, 81), torch.tensor([-1e-9, 1e9])]).double()
    torch.testing.assert_close(asinh(x), x.asinh(), rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(sinh(x[:-1]), x[:-1].sinh(), rtol=1e-13, atol=1e-15)
    assert asinh(x.float()) is NotImplemented is sinh(x.float())


@pytest.mark.thorough
def test_showers_with_a_context_as_onnx_for_any_number_of_them() -> None:
    torch.manual_seed(0)
    energy = 10 + 90 * torch.rand(300, 1)
    cells = torch.rand(300, 1, 5, 4, 3) * (torch.rand(300, 1, 5, 4, 3) < 0.5) * energy[:, :, None, None, None]
    model = BIBAE((1, 5, 4, 3), context_size=1, latent=4, generator=[16], discriminator=[4])
    model.prepare(Batch(cells, context=energy))
    scorer = Scorer(model.eval(), context_size=1)
    score = onnx_scoring(as_onnx(scorer, traced(scorer)).SerializeToString(), threads=1)
    for n in (1, 50):
        batch = Batch(cells[:n], context=energy[:n])
        with torch.no_grad():
            expected = model.anomaly_score(batch).numpy()
        np.testing.assert_allclose(score([a.numpy() for a in scorer.arrays(batch)])["score"], expected, rtol=1e-5)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_bisection_finds_the_places_that_torch_finds(n: int, right: bool) -> None:
    ordered = torch.randint(0, 20, (3, n)).float().sort(dim=1).values
    values = torch.randint(-2, 23, (3, 50)).float()
    assert torch.equal(searchsorted(ordered, values, right=right), torch.searchsorted(ordered, values, right=right))


def test_a_dimension_of_one_alone_is_squeezed() -> None:
    x = torch.zeros(3, 1, 2)
    assert all(squeezed(x, dim).shape == x.squeeze(dim).shape for dim in range(-3, 3))


def test_events_as_onnx_with_thresholds_for_any_number_of_entries() -> None:
    model = TimeDistributedAutoencoder((4, 5), loss=MSE)
    events, mask = torch.randn(64, 4, 5), torch.rand(64, 4) > 0.4
    model.prepare(Batch(events, mask))
    with torch.no_grad():
        cut = float(model.eval().anomaly_score(Batch(events, mask)).median())
    scorer = Scorer(model, thresholds={"half": cut})
    score = onnx_scoring(as_onnx(scorer, traced(scorer)).SerializeToString(), threads=1)
    for n in (1, 7, 64):
        batch = Batch(events[:n], mask[:n])
        with torch.no_grad():
            expected = model.anomaly_score(batch).numpy()
        found = score([array.numpy() for array in scorer.arrays(batch)])
        np.testing.assert_allclose(found["score"], expected, rtol=1e-5)
        np.testing.assert_array_equal(found["accepted_half"], found["score"] > cut)


def test_the_model_itself_stays_as_it_is() -> None:
    model = boosted()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Scorer(model)
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_detector_of_pyod_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"detector of pyod is scored .*distilled"):
        Scorer(PyodDetector((5,)))


def test_half_precision_is_refused_by_name() -> None:
    model = DenseAutoencoder((5,), loss=MSE)
    model.precision = "bf16-mixed"
    with pytest.raises(UserError, match=r"trainer\.precision=bf16-mixed"):
        Scorer(model)
