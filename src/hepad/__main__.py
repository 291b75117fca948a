"""`hepad <command> …` is the same as `python -m hepad.<command> …`."""

import importlib
import sys
from typing import Final

from hepad import __version__

COMMANDS: Final = {
    "train": "train a model on background, score every sample, write the run",
    "evaluate": "evaluate a run again, on other data if asked",
    "score": "a score for every entry of a file of any size",
    "generate": "a sample made up by a generative run",
    "generator_card": "how good a run's generator is, beside real entries against real ones",
    "search": "a resonant search, from samples to p-values",
    "threshold": "a threshold for a rate, chosen and tested on background that did not train",
    "export": "a run's scorer as ONNX, a program of torch.export or an FPGA project, raw entries in, scores out",
    "top": "the most anomalous entries of a run as a file",
    "serve": "a run behind HTTP: batches of entries in, scores out",
    "compare": "one table and one page over several runs",
    "dashboard": "a saved view of a W&B project",
    "simulate": "make samples with Pythia 8 and FastJet",
    "convert": "files of public formats (NanoAOD, PHYSLITE, LHC Olympics, …) to hepad's HDF5",
    "inspect": "a file of any format: its content, and the command that uses it",
    "fetch": "public data sets from Zenodo, with checksums; what was begun goes on",
    "schema": "the JSON schema of a command's config, for editors",
    "new": "a model or a loss of your own, in a package of your own",
}


def main() -> None:
    """Run the command named by the first word; print the list of commands where it is missing or unknown."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in COMMANDS:
        sys.argv = [f"hepad {name}", *sys.argv[2:]]
        importlib.import_module(f"hepad.{name}").main()
        return
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {command:{width}} {text}" for command, text in COMMANDS.items())
    if name in ("-V", "--version"):
        print(f"hepad {__version__}")
        return
    if name in ("-sc", "--shell-completion"):
        # The same script, whatever the command.
        importlib.import_module("hepad.train").main(sys.argv[1:])
        return
    if name in ("-h", "--help"):
        print(
            f"usage: hepad COMMAND [KEY=VALUE …]\n\n{listed}\n\nhepad COMMAND --help lists the keys; hepad --version."
        )
        return
    print(f"error: no command {name!r}; allowed: {', '.join(COMMANDS)}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
