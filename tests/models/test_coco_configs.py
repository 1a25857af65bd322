"""Definitions against the configurations and metafiles in mmdet's wheel, and what they become."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from workflow.data.catalogue import IMAGENET_MEAN, IMAGENET_STD, DataSet
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.coco import ConfigError, read_packaged
from workflow.models.schema import DetectorDefinition
from workflow.models.zoo import ZooError, zoo_model

ROOT = Path(__file__).parents[2]
DETECTORS = [n for n in catalogue.names("detectors", "coco") if catalogue.detector(n).family]
TRAINED = [name for name in DETECTORS if catalogue.detector(name).schedule]
IN_ZOO = [name for name in DETECTORS if catalogue.detector(name).zoo]
FEWER = ("a", "b", "c")


def _data(classes: tuple[str, ...] = FEWER) -> DataSet:
    return DataSet("few", Path("none"), classes, {}, IMAGENET_MEAN, IMAGENET_STD, None)


def test_every_entry_and_every_reference_can_be_read() -> None:
    catalogue.check()
    assert len(catalogue.names("pairs", "coco")) >= 35


def test_the_catalogue_imports_no_torch() -> None:
    program = (
        "import sys; from workflow.models import catalogue, zoo; catalogue.check(); "
        "zoo.zoo_model('retinanet_r50_fpn_2x_coco'); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'mmdet', 'mmengine')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("name", IN_ZOO)
def test_the_zoo_trained_this_very_configuration(name: str) -> None:
    definition = catalogue.detector(name)
    model = zoo_model(definition.zoo)
    assert model.config == definition.config
    assert not definition.options, "a changed detector is not the zoo's"
    assert model.box_ap is not None
    assert 20 < model.box_ap < 60
    assert len(model.sha256_prefix) == 8
    assert model.url.startswith("https://download.openmmlab.com/")


@pytest.mark.parametrize("name", TRAINED)
def test_schedules_are_the_packaged_ones(name: str) -> None:
    """Whatever a schedule of the same length prescribes; the papers' longer ones differ only in
    length, and Grid R-CNN's own 25 epochs are 24 here."""
    definition = catalogue.detector(name)
    ours, theirs = catalogue.schedule(definition.schedule, name), read_packaged(definition)
    wrapper = theirs.optim_wrapper
    clip = (wrapper.get("clip_grad") or {}).get("max_norm")
    optimiser = dict(wrapper.optimizer)
    warm, steps = sorted(theirs.param_scheduler, key=lambda part: part.type == "MultiStepLR")
    assert ours.optimiser == optimiser
    assert ours.clip == clip
    assert ours.paramwise == dict(wrapper.get("paramwise_cfg") or {})
    assert ours.batch_size == theirs.auto_scale_lr.base_batch_size
    assert ours.warmup_iterations == warm.end
    assert ours.warmup_ratio == pytest.approx(warm.get("start_factor", warm.get("factor")))
    assert ours.warmup == {"LinearLR": "linear", "ConstantLR": "constant"}[warm.type]
    repeats = theirs.train_dataloader.dataset.get("times", 1)
    assert ours.epochs is not None
    if ours.epochs == theirs.train_cfg.max_epochs * repeats:
        marks = [round(mark * ours.epochs) for mark in ours.milestones]
        assert marks == [mark * repeats for mark in steps.milestones]
    else:
        assert ours.epochs == 24


def test_published_names_are_the_vocabulary_of_the_published_numbers() -> None:
    with (ROOT / "results/published/published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {row["teacher"] for row in rows} | {row["student"] for row in rows} | {""}
    for name in catalogue.names("detectors", "coco"):
        assert catalogue.detector(name).published in known, name


def test_every_published_pair_is_defined() -> None:
    """But for teachers that nobody named, and detectors that are out of scope (docs/pairs.md)."""
    with (ROOT / "results/published/published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def published(name: str) -> str:
        return catalogue.detector(name).published

    defined = set()
    for name in catalogue.names("pairs", "coco"):
        pair = catalogue.pair(name)
        for teacher in filter(None, (pair.teacher, *pair.teachers.values(), pair.classifier)):
            defined.add((published(teacher), published(pair.student)))
    unnamed = {"cascade-mask-rcnn", "retinanet", "reppoints", "unstated", "unstated-detector"}
    missing = {
        (row["teacher"], row["student"])
        for row in rows
        if row["student"] and row["teacher"] and row["teacher"] not in unnamed
        and "+" not in row["teacher"]
    } - defined  # fmt: skip
    assert missing == {("yolox-l", "yolox-m"), ("solo-r101", "solo-r50")}


@pytest.mark.parametrize(
    ("name", "heads"),
    [("retinanet-r18", 1), ("faster-rcnn-r50", 1), ("cascade-rcnn-r50", 3), ("mask-rcnn-r50", 2)],
)
def test_the_runs_classes_reach_every_head(name: str, heads: int) -> None:
    config = build_config(catalogue.detector(name), _data())
    model = build_detector(config, seed=0, pretrained=False)
    found = [
        module.num_classes
        for path, module in model.named_modules()
        if hasattr(module, "num_classes") and not path.endswith("rpn_head")
    ]
    assert [count for count in found if count == len(FEWER)][:heads] == [len(FEWER)] * heads
    assert 80 not in found


def test_scales_replace_the_pipelines_own() -> None:
    definition = catalogue.detector("fcos-r50")
    config = build_config(definition, _data(), ((1333, 640), (1333, 800)))
    (train,) = [step for step in config.train_pipeline if "Resize" in step["type"]]
    (test,) = [step for step in config.test_pipeline if "Resize" in step["type"]]
    assert train["type"] == "RandomChoiceResize"
    assert list(train["scales"]) == [(1333, 640), (1333, 800)]
    assert test["scale"] == (1333, 800)


def test_ssds_keep_their_own_size_and_augmentation() -> None:
    config = build_config(catalogue.detector("ssd512-vgg16"), _data())
    kinds = [step["type"] for step in config.train_pipeline]
    assert {"Expand", "MinIoURandomCrop", "PhotoMetricDistortion"} <= set(kinds)
    assert tuple(config.image_size) == (512, 512)


def test_masks_are_loaded_for_those_who_train_them() -> None:
    assert build_config(catalogue.detector("mask-rcnn-r50"), _data()).masks
    assert not build_config(catalogue.detector("faster-rcnn-r50"), _data()).masks


def test_first_weights_depend_on_the_seed_alone() -> None:
    config = build_config(catalogue.detector("retinanet-r18"), _data())

    def weights(seed: int, noise: int) -> torch.Tensor:
        torch.manual_seed(noise)
        model = build_detector(config, seed, pretrained=False)
        return torch.cat([value.detach().flatten() for value in model.parameters()])

    first = weights(0, noise=1)
    assert torch.equal(first, weights(0, noise=2))
    assert not torch.equal(first, weights(1, noise=1))


def test_building_leaves_the_global_generator_alone() -> None:
    config = build_config(catalogue.detector("retinanet-r18"), _data())
    torch.manual_seed(5)
    before = torch.get_rng_state()
    build_detector(config, seed=0, pretrained=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_quarter_width_student_has_a_quarter_of_the_channels() -> None:
    def stages(name: str) -> list[int]:
        model: Config = read_packaged(catalogue.detector(name)).model
        return list(model.neck.in_channels)

    assert [4 * width for width in stages("faster-rcnn-qr50")] == stages("faster-rcnn-r50")


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(
        catalogue.UnknownName, match=r"pair 'retinanet-x101-r5'.*retinanet-x101-r50"
    ):
        catalogue.pair("retinanet-x101-r5")
    with pytest.raises(ZooError, match=r"no model `retinanet_r50_fpn_9x_coco`.*nearest"):
        zoo_model("retinanet_r50_fpn_9x_coco")


def test_a_configuration_that_is_not_shipped_is_named() -> None:
    definition = DetectorDefinition(name="mine", fidelity="coco", config="none/of_these.py")
    with pytest.raises(ConfigError, match="detector `mine`: mmdet ships no configuration"):
        build_config(definition, _data())


def test_schedules_by_family_and_recipe() -> None:
    assert catalogue.schedule("1x", "retinanet-r50").optimiser["lr"] == 0.01
    assert catalogue.schedule("1x", "faster-rcnn-r50").optimiser["lr"] == 0.02
    assert catalogue.schedule("2x", "fsaf-r50").clip == 10
    assert catalogue.schedule("2x").milestones == (16 / 24, 22 / 24)


def test_a_broken_definition_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "coco-own.yaml").write_text("detectrs: {a: {}}\n", encoding="utf-8")
    monkeypatch.setattr(catalogue, "DEFINITIONS", tmp_path)
    catalogue._entries.cache_clear()
    try:
        with pytest.raises(catalogue.BrokenDefinition, match=r"own\.yaml: section 'detectrs'"):
            catalogue.names("detectors")
    finally:
        catalogue._entries.cache_clear()
