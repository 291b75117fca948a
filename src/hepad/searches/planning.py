"""Plan of a search: all of its stages, whose input is then known to be right; nothing is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from hepad.config import RunConfig
from hepad.pipeline.stages import Pipeline, Stage, read_pipeline
from hepad.run.executing import TrainingResult
from hepad.searches.methods import stages_of
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.record import MethodResult, SearchRecord
from hepad.searches.record_file import FILE, read_record, write_record
from hepad.searches.results import method_result
from hepad.searches.samples import SearchSamples
from hepad.searches.settings import Method, Settings, key_of, read_settings
from hepad.searches.stages import Place, Stages

_SETTINGS: Final = (
    *("seed", "sample", "extra", "data_fraction", "injection", "null_twin", "folds", "scan", "cuts", "background"),
    *("systematic", "fit", "toys", "limits", "words", "methods", "unblind"),
)


def plan_search(cfg: RunConfig, directory: Path, train: Callable[[RunConfig, Path], TrainingResult]) -> Pipeline:
    """Return the stages of a search: samples, densities, templates, folds, scores, results of each method, the record.

    Args:
        cfg: of the command.
        directory: of the search.
        train: trains a run in a directory, or goes on with it.

    Raises:
        UserError: something is wrong with settings or samples, or with the words of a run.
    """
    settings = read_settings(cfg)
    samples = prepare_samples(settings, SampleReader(cfg))
    return Planner(cfg, settings, samples, directory, train).pipeline()


class Planner:
    """Planner of one search.

    Args:
        cfg: of the command.
        settings: the same, read.
        samples: that are searched.
        directory: of the search.
        train: trains a run.

    Attributes:
        ends: method and window of the data → stage of its scores.
    """

    def __init__(
        self,
        cfg: RunConfig,
        settings: Settings,
        samples: SearchSamples,
        directory: Path,
        train: Callable[[RunConfig, Path], TrainingResult],
    ) -> None:
        self.cfg, self.settings, self.samples, self.directory = cfg, settings, samples, directory
        self.stages = Stages(directory, settings, samples, train)
        self.ends: dict[tuple[str, str], str] = {}

    def pipeline(self) -> Pipeline:
        """Return all stages."""
        place = self.directory / f"samples-{self.samples.key}"
        prepared = self.stages.add(
            Stage("samples", place, lambda: self.samples.write(place), lambda: self.samples.is_written(place))
        )
        results = []
        for method in self.settings.methods:
            results.append(self._result(method, "data", prepared))
            if self.samples.null is not None:
                results.append(self._result(method, "null", prepared))
        names = tuple(name for name, _ in results)
        files = [path for _, path in results]
        key = key_of(list(names), self.samples.key)
        stages = [*self.stages.found.values()]
        stages.append(Stage("record", self.directory / FILE, lambda: self._record(files, key), lambda: False, names))
        return Pipeline(self.directory, self.cfg, stages, command="search")

    def _result(self, method: Method, sample: str, prepared: str) -> tuple[str, Path]:
        """Add a method in all windows; return the stage and the directory of its results."""
        windows = [stages_of(Place(self.stages, window, sample, prepared), method) for window in self.samples.windows]
        settings = self.settings
        facts = [
            *(list(settings.cuts), settings.background, settings.systematic, vars(settings.fit), settings.toys),
            *(settings.limits, settings.unblind, vars(self.samples.scan)),
        ]
        needs = tuple(stages.scores[0] for stages in windows)
        if sample == "data":
            self.ends |= {(method.name, stages.place.window.name): stages.scores[0] for stages in windows}
        prefix = "" if sample == "data" else "null-"
        name = f"{prefix}{method.name}-result-{key_of(facts, list(needs), self.samples.key)}"
        place = self.stages.place / name

        def work() -> None:
            place.mkdir(parents=True, exist_ok=True)
            found = method_result(method.name, windows)
            write_record(place, self._around([found]))

        self.stages.add(Stage(name, place, work, lambda: (place / FILE).is_file(), needs))
        return name, place

    def _around(self, methods: list[MethodResult]) -> SearchRecord:
        samples = self.samples
        return SearchRecord(
            observable=samples.observable,
            unit=self.settings.scan.unit,
            features=samples.features,
            windows=samples.windows,
            methods=methods,
            samples=samples.facts,
            null_kind=samples.null_kind,
            unblinded=self.settings.unblind,
            notes=samples.notes,
            settings={name: self.cfg.value(name) for name in _SETTINGS},
        )

    def _record(self, files: list[Path], key: str) -> SearchRecord:
        """Put the results of all methods together, and write search.json."""
        seconds = {
            name: float(stage.get("seconds", 0)) for name, stage in read_pipeline(self.directory)["stages"].items()
        }
        found = [read_record(path).methods[0] for path in files]
        if self.samples.null is not None:
            found = [replace(one, null=null) for one, null in zip(found[::2], found[1::2], strict=True)]
        methods = [self._timed(result, seconds) for result in found]
        record = self._around(methods)
        write_record(self.directory, record)
        return record

    def _timed(self, result: MethodResult, seconds: dict[str, float]) -> MethodResult:
        """Return a result with the seconds that its scores in each window took, with all that they need."""
        windows = []
        for window in result.windows:
            total = sum(seconds[name] for name in self.needed(self.ends[result.method, window.window]))
            windows.append(replace(window, seconds=round(total, 3)))
        return replace(result, windows=windows)

    def needed(self, end: str) -> set[str]:
        """Return the names of a stage and of all that it needs, but for the samples, which everything does."""
        stage = self.stages.found[end]
        return {end}.union(*(self.needed(name) for name in stage.needs if name != "samples"))
