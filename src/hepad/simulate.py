"""`python -m hepad.simulate`: simulated samples as HDF5 files."""

from collections.abc import Sequence

from omegaconf import DictConfig

from hepad.cli import run_command


def simulate(cfg: DictConfig) -> None:
    """Make the samples that `configs/simulate.yaml` describes, and the plots that check them."""
    # Imported here so that --help answers at once.
    from hepad.simulation.request import read_request

    request = read_request(cfg)
    from hepad.simulation.production import simulate as make_samples

    files = make_samples(request.settings, request.output, request.workers, request.cluster)
    if request.validate:
        from hepad.simulation.validation import validate

        validate(files, request.output / "validation")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(simulate, "simulate", argv)


if __name__ == "__main__":
    main()
