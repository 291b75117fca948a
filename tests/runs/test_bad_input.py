"""Wrong input: one clear line, exit code 2, and nothing left half written."""

import h5py
import numpy as np
import pytest


@pytest.fixture
def refused(run_train, own_samples, tmp_path):
    """Return a caller that checks the contract for wrong input and returns the one line."""

    def call(*words: str, samples: bool = True) -> str:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        chosen = own_samples if samples else []
        done = run_train(*chosen, "logger=none", "trainer.max_epochs=1", *words)
        assert done.code == 2, done.err
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1, done.err
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert not (tmp_path / "outputs").exists()
        return done.err

    return call


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("modle=dense_ae", "did you mean 'model'?"),
        ("model=dense", "dense_ae"),
        ("loss=msse", "did you mean 'mse'?"),
        ("data.batchsize=8", "did you mean 'batch_size'?"),
        ("trainer.max_epoch=8", "did you mean 'max_epochs'?"),
        ("loss.delta=2", "model.loss.delta"),
        ("model.activation=rellu", "allowed: relu"),
        ("model.normalizer=std", "allowed: standard"),
        ("model.hidden=16", "a list"),
        ("model.dropout=7", "between 0 and 1"),
        ("seed=abc", "an integer"),
        ("optimizer.lr=fast", "a positive number"),
        ("optimizer.lr=-1", "positive"),
        ("data.batch_size=1", "at least 2"),
        ("data.limit=0", "an integer of at least 1"),
        ("data.on_nonfinite=ignore", "refuse, drop"),
        ("trainer.max_epochs=0", "an integer from 1"),
        ("trainer.accelerator=tpux", "auto"),
        ("callbacks.early_stopping.monitor=val/los", "val/loss"),
        ("evaluation.references=[soft_qcd]", "allowed: background, signal"),
        ("data.background=zero_bias", "allowed: background, signal"),
        ("data.features=[pt,etaa]", "etaa"),
        ("data.min_pt=1e6", "no jets with pT > 1e+06"),
        ("model._target_=os.system", "os.system"),
        ("hydra.run.dir=out/a%b", "letters, digits"),
        ("hydra.run.dir=runs/../escaped", "no '..' in the directory of a run or a sweep"),
        ("hydra.run.dir=../../x/../y", "no '..' in the directory of a run or a sweep"),
        ("hydra.run.dir='../escaped'", "no '..' in the directory of a run or a sweep"),
        ("hydra.run.dir=/tmp/../escaped", "no '..' in the directory of a run or a sweep"),
        ("paths.root=..", "no '..' in the directory of a run or a sweep"),
        ("sweep.name=../x", "sweep.name=../x: 1 to 64 letters, digits"),
        ("logger=wandb logger.wandb.name=../../x", "logger.wandb.name=../../x: 1 to 64 letters, digits"),
        ("logger=wandb logger.wandb.group=a/b", "logger.wandb.group=a/b: 1 to 64 letters, digits"),
        ("-m seed=1,2 hydra.sweep.dir=../../escaped", "no '..' in the directory of a run or a sweep"),
        ("-m seed=1,2 hydra.sweep.subdir=../escaped", "no '..' in the directory of a run or a sweep"),
        ("data.background=a~b", "letters, digits"),
        ("seed=a=b", "quoted for the shell"),
        ("losss=huber", "did you mean 'loss'?"),
        ("trainer.precision=17", "allowed: 32-true, 64-true"),
        ("data.samples.signal=[a.h5,b.h5]", "data.samples.signal: no file a.h5"),
        ("nonsense", "KEY=VALUE"),
        ("loss=ssim", "not for the vectors of data=jets"),
        ("model=conv_ae data=jets", "takes"),
    ],
)
def test_a_wrong_word_is_named_with_what_would_be_right(refused, word, said):
    assert said in refused(*word.split())


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model.latent=0", "model.latent=0: an integer from 1 to 65536 is needed"),
        ("model.latent=-1", "latent=-1"),
        ("model.hidden=[16,1.5]", "model.hidden[1]=1.5: an integer"),
        ("model=distilled model.phi=[0] model.teacher_overrides={model:vae}", "model.phi[0]=0: an integer"),
        ("model.dropout=nan", "model.dropout=nan: a number"),
        ("optimizer.betas=[1.5,0.9]", "optimizer.betas[0]=1.5: a number of at least 0 and below 1"),
        ("optimizer.weight_decay=-1", "a number of at least 0"),
        ("trainer.devices=0", "devices=0"),
        ("trainer.max_steps=0", "at least 1"),
        ("trainer.accumulate_grad_batches=0", "at least 1"),
        ("trainer.check_val_every_n_epoch=0", "at least 1"),
        ("trainer.check_val_every_n_epoch=7", "leaves none of the 1 epochs validated"),
        ("callbacks.checkpoint.save_top_k=0", "save_top_k=0"),
        ("callbacks.checkpoint=null", "monitor=null keeps those of the last epoch"),
        ("trainer.limit_val_batches=0", "limit_val_batches=0"),
        ("trainer.limit_val_batches=1e-9", "limit_val_batches=1e-09 of 1 batches is less than one"),
        ("+trainer.limit_test_batches=1", "evaluation always scores every entry"),
        ("callbacks.early_stopping.patience=-1", "at least 0"),
        ("evaluation.fprs=[0.1,0]", "above 0 and at most 1"),
    ],
)
def test_numbers_that_only_a_traceback_deep_inside_would_tell(refused, word, said):
    assert said in refused(*word.split())


def test_a_path_that_leads_elsewhere_may_be_named_in_full(run_train, own_samples, tmp_path_factory):
    directory = tmp_path_factory.mktemp("elsewhere") / "run..1"
    words = ["logger=none", "trainer.max_epochs=1", "evaluation.plots=false", f"hydra.run.dir={directory}"]
    assert run_train(*own_samples, *words).code == 0
    assert (directory / "metrics.json").is_file()


def test_missing_file(refused):
    assert "data.samples.signal: no file nothing.h5" in refused("data.samples.signal=nothing.h5")


def test_truncated_file(refused, write_jets):
    path = write_jets("cut")
    path.write_bytes(path.read_bytes()[:4000])
    assert "truncated" in refused(f"data.samples.signal={path}")


def test_wrong_shape(refused, tmp_path):
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file["jet_event_data"] = np.zeros((10, 17))
    assert "(events, jets, features)" in refused(f"data.samples.signal={tmp_path / 'flat.h5'}")


def test_other_columns_without_names(refused, tmp_path):
    with h5py.File(tmp_path / "five.h5", "w") as file:
        file["jet_event_data"] = np.ones((10, 8, 5))
    assert "no attribute 'features'" in refused(f"data.samples.signal={tmp_path / 'five.h5'}")


def test_nan(refused, write_jets):
    path = write_jets("holed", seed=5)
    with h5py.File(path, "r+") as file:
        file["jet_event_data"][3, 0] = np.inf
    line = refused(f"data.samples.signal={path}")
    assert "1 of" in line
    assert "data.on_nonfinite=drop" in line


def test_empty_sample(refused, write_jets):
    assert "is empty" in refused(f"data.samples.signal={write_jets('none', n_events=0)}")


def test_no_jets_at_all(refused, write_jets):
    assert "no jets" in refused(f"data.samples.signal={write_jets('padding', mean_jets=0.0)}")


def test_too_few_background_jets_to_split(refused):
    assert "too few to split" in refused("data.limit=5")


def test_unwritable_output(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot create the run directory" in refused(f"hydra.run.dir={tmp_path / 'file' / 'run'}")


def test_a_directory_that_holds_a_run_is_left_alone(run_train, refused, own_samples):
    assert (
        run_train(
            *own_samples, "logger=none", "trainer.max_epochs=1", "evaluation.plots=false", "hydra.run.dir=run"
        ).code
        == 0
    )
    assert "already holds a run" in refused("hydra.run.dir=run")


def test_wandb_online_without_a_key(refused, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    assert "wandb login" in refused("logger=wandb", "logger.wandb.mode=online")


def test_a_mistake_that_only_the_data_tell_leaves_the_other_jobs_of_a_sweep_alone(run_train, own_samples, tmp_path):
    words = ["-m", "data.min_pt=0.0,1e6", "hydra.sweep.dir=sweep", "logger=none", "trainer.max_epochs=1"]
    done = run_train(*own_samples, *words, "evaluation.plots=false")
    assert done.code == 2
    assert (tmp_path / "sweep/data.min_pt.0.0/report.html").is_file(), done.err
    assert not (tmp_path / "sweep/data.min_pt.1e6").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("logger.wandb.project=a%b", "Invalid project name"),
        (f"logger.wandb.tags=[{'x' * 70}]", "between 1 and 64 characters"),
        ("logger.wandb.id=a/b", "Run ID cannot contain"),
        ("logger.wandb.log_model=yes", "none, best, all"),
    ],
)
def test_what_wandb_refuses(refused, word, said):
    assert said in refused("logger=wandb", word)
