"""Distillation, a pipeline of three stages: a teacher, its scores as targets, a student that learns them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra.utils import get_class

from hepad.callbacks.resume_point import random_state
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.core.hdf5 import open_hdf5, text_attribute
from hepad.data import AnomalyDataModule
from hepad.data.row_scores import RowScores, read_row_scores, write_row_scores
from hepad.data.targets import check_target_settings, prepare_targets
from hepad.pipeline.stages import Pipeline, Stage, run_stage
from hepad.pipeline.teachers import (
    STUDENTS_HALF,
    TEACHER,
    check_planned_teacher,
    check_teacher,
    parts_of,
    teacher_config,
    teacher_facts,
    teacher_scores,
    trained_on_its_half,
)
from hepad.run.building import Handover, assemble_around, build_model, read_data, with_absolute_paths
from hepad.run.executing import TrainingResult
from hepad.run.loading import load_run
from hepad.run.training import continue_run, is_finished

_CHECKPOINT: Final = "checkpoint_sha256"


def plan_distillation(
    cfg: RunConfig, run_dir: Path, targets: Path, train: Callable[[RunConfig, Path], TrainingResult]
) -> Pipeline:
    """Return the stages of a student's pipeline; the student's run is the pipeline's directory itself.

    The scores of a teacher that exists are made at once, so that whatever is wrong with it is found before the first
    file is written.

    Args:
        cfg: the student's config; that of the pipeline also names the half of the data and the file of targets.
        run_dir: its directory.
        targets: the file that the teacher's scores go to.
        train: trains a run in a directory, or goes on with it.

    Raises:
        UserError: a teacher that cannot teach this student (see `check_teacher`), or settings that do not exist.
    """
    _check_settings(cfg)
    cfg = cfg.changed({"data.half": STUDENTS_HALF, "data.targets": None})
    data = read_data(cfg)
    data.require_all("a student, whose teacher scores each entry,")
    cfg = with_absolute_paths(cfg)
    check_target_settings(cfg.model)
    distillation = _Distillation(cfg, data, run_dir, targets)
    if (teacher := cfg.model["teacher"]) is None:
        stages = _stages_with_teacher(distillation, train)
    else:
        stages = _stages_of_given_teacher(distillation, Path(teacher).expanduser())
    return Pipeline(run_dir, distillation.student, stages)


@dataclass
class _Distillation:
    cfg: RunConfig
    data: AnomalyDataModule
    run_dir: Path
    path: Path

    @property
    def student(self) -> RunConfig:
        """Config of the student's run: it names the file of targets, and a teacher that exists by its whole path."""
        config = self.cfg.changed({"data.targets": str(self.path)})
        if (teacher := config.model["teacher"]) is None:
            return config
        return config.changed({"model.teacher": str(Path(teacher).expanduser().absolute())})

    def targets_stage(self, teacher: Path, scores: dict[str, RowScores] | None, needs: tuple[str, ...]) -> Stage:
        """Return the stage that writes the scores; None makes them when its time comes."""

        def work() -> None:
            found = scores
            if found is None:
                run = load_run(teacher)
                if not trained_on_its_half(teacher, self.data):
                    # Another run was put in its place, or the files are others than when it was trained.
                    check_teacher(run, self.data)
                found = teacher_scores(run.model, self.data)
                self.data.set_targets(found, f"the teacher {teacher}")
                prepare_targets(self.data, self.cfg.model, f"the teacher {teacher}")
            write_row_scores(self.path, found, _attributes(teacher))

        return Stage("targets", self.path, work, lambda: self._has_targets(teacher), needs)

    def student_stage(self, teacher: Path, weights_from: Any, training_from: Any) -> Stage:
        """Return the stage of the student, which trains from the given states of the random generators."""

        def work() -> TrainingResult:
            facts = {"teacher": teacher_facts(teacher, str(self.cfg.model["target"]))}
            return continue_run(self.student, self.run_dir, Handover(facts, weights_from, training_from))

        says = "training the student" if weights_from is None else ""
        return Stage("student", self.run_dir, work, lambda: False, ("targets",), says)

    def _has_targets(self, teacher: Path) -> bool:
        """Return whether the file is there, and was made by the teacher as it is now, for all entries."""
        checkpoint = teacher / "checkpoints" / "best.ckpt"
        if not self.path.is_file() or not is_finished(teacher) or not checkpoint.is_file():
            return False
        try:
            with open_hdf5(self.path) as file:
                same = text_attribute(file, _CHECKPOINT) == file_sha256(checkpoint)
            scores = read_row_scores(self.path, self.data.files)
            for sample, entries in parts_of(self.data):
                scores[sample].of(entries, sample)
        except UserError:
            # It is made anew.
            return False
        return same


def _stages_with_teacher(
    distillation: _Distillation, train: Callable[[RunConfig, Path], TrainingResult]
) -> list[Stage]:
    """Return the stages where the teacher is trained first, in the student's directory."""
    cfg, data, run_dir = distillation.cfg, distillation.data, distillation.run_dir
    directory = run_dir / TEACHER
    config = teacher_config(cfg, data, directory)
    check_planned_teacher(config, str(cfg.model["target"]))
    assemble_around(cfg, data, run_dir, [])
    build_model(config, data)
    # A student has always trained from what drawing the weights of both left of the random numbers.
    state = random_state()
    name = get_class(config.model.target).__name__
    return [
        run_stage(TEACHER, directory, config, train, says=f"training the teacher, {name}"),
        distillation.targets_stage(directory, None, (TEACHER,)),
        distillation.student_stage(directory, None, state),
    ]


def _stages_of_given_teacher(distillation: _Distillation, directory: Path) -> list[Stage]:
    """Return the stages where the teacher is there, in its `directory`."""
    cfg, data, run_dir = distillation.cfg, distillation.data, distillation.run_dir
    teacher = load_run(directory)
    # A student of a given teacher has always drawn its weights after those of the teacher, which loading it draws.
    state = random_state()
    check_teacher(teacher, data)
    scores = teacher_scores(teacher.model, data)
    data.set_targets(scores, f"the teacher {directory}")
    remarks = prepare_targets(data, cfg.model, f"the teacher {directory}")
    assemble_around(cfg, data, run_dir, remarks)
    done = Stage(TEACHER, directory.absolute(), lambda: None, lambda: True)
    return [
        done,
        distillation.targets_stage(directory.absolute(), scores, (TEACHER,)),
        distillation.student_stage(directory.absolute(), state, None),
    ]


def _check_settings(cfg: RunConfig) -> None:
    """Check what a student's config says of its teacher and its data."""
    teacher, overrides = cfg.model["teacher"], cfg.model["teacher_overrides"]
    if not isinstance(overrides, Mapping | None):
        raise UserError("model.teacher_overrides: {KEY:VALUE,…} is needed, such as {model:vae,loss:huber}")
    if cfg.data.get("train") is not None:
        raise UserError("a student learns from a teacher of one background, and has no roles; leave data.train out")
    if (cfg.value("data.contamination.sample")) is not None:
        raise UserError(
            "a student and its teacher share no entry, and no signal of another sample; leave "
            "data.contamination.sample out"
        )
    if (half := cfg.data.get("half")) not in (None, STUDENTS_HALF):
        raise UserError(
            f"data.half={half}: a student trains on the {STUDENTS_HALF} half, so that no entry serves twice; "
            "leave data.half out"
        )
    if teacher is not None and overrides:
        raise UserError(
            "model.teacher_overrides: the teacher of model.teacher is trained already; leave one of them out"
        )


def _attributes(teacher: Path) -> dict[str, str]:
    """Return what the file of targets says of the teacher."""
    facts = teacher_facts(teacher, "score")
    return {
        "teacher": facts["run"],
        "model": str(facts["model"]),
        "loss": str(facts["loss"]),
        "split_sha256": str(facts["split_sha256"]["train"]),
        _CHECKPOINT: file_sha256(teacher / "checkpoints" / "best.ckpt"),
    }
