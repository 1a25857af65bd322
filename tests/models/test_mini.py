"""The mini pairs: every detector builds, learns and predicts; pairs are what the papers' are."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from methods.settings.base import FeatureSettings
from methods.settings.resolve import settings_of
from tests.compat.detectors import without_threshold
from workflow.data.catalogue import DataSet, describe, resolve
from workflow.distill.inherit import inheritable
from workflow.distill.taps import pair_levels, probe
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import ClassifierOptions, build_classifier
from workflow.models.mini import MiniOptions
from workflow.suite import load, names

SIDE = 128
DETECTORS = [
    name for name in catalogue.names("detectors", "mini") if catalogue.detector(name).family
]
CLASSIFIERS = [name for name in catalogue.names("detectors", "mini") if name not in DETECTORS]
POINTS = [name for name in DETECTORS if "reppoints" in name]
PAIRS = catalogue.names("pairs", "mini")
SUITES = [name for name in names() if name.startswith(("demo", "mini"))]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return describe(resolve("digits", {}), tmp_path_factory.mktemp("data"))


def built(name: str, data: DataSet, seed: int = 0) -> Any:
    return build_detector(build_config(catalogue.detector(name), data), seed, pretrained=False)


def batch(count: int = 2) -> dict[str, list[object]]:
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(0, 256, (3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
        for _ in range(count)
    ]
    samples = []
    for _ in range(count):
        sample = DetDataSample(
            metainfo={"img_shape": (SIDE, SIDE), "ori_shape": (SIDE, SIDE), "scale_factor": (1, 1)}
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[10.0, 12.0, 24.0, 36.0], [60.0, 50.0, 100.0, 110.0]]),
            labels=torch.tensor([3, 8]),
        )
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
        )
        samples.append(sample)
    return {"inputs": images, "data_samples": samples}


@pytest.mark.parametrize("name", DETECTORS)
def test_a_mini_detector_learns_and_predicts(name: str, digits: DataSet) -> None:
    detector = built(name, digits)
    torch.manual_seed(0)
    packed = detector.data_preprocessor(batch(), True)
    total, log = detector.parse_losses(detector(**packed, mode="loss"))
    assert torch.isfinite(total), log
    total.backward()
    # Residual branches start at zero (mmdet's rule), so that behind them gradients do too.
    assert all(p.grad is not None for p in detector.parameters())
    for part in (detector.backbone, detector.neck, detector):
        assert any(bool(p.grad.abs().sum() > 0) for p in part.parameters())
    without_threshold(detector).eval()
    with torch.no_grad():
        predictions = detector.test_step(batch())
    for found in (one.pred_instances for one in predictions):
        assert 0 < len(found.bboxes) <= 100
        assert found.labels.max() < len(digits.classes)
        assert found.bboxes.isfinite().all()


def points_at_the_start(name: str, data: DataSet, **changed: Any) -> Any:
    """The detector, and what its head says of the batch before the first step."""
    definition = catalogue.detector(name)
    options = {**definition.options, **changed}
    definition = definition.model_copy(update={"options": options})
    detector = build_detector(build_config(definition, data), 0, pretrained=False)
    packed = detector.data_preprocessor(batch(), True)
    return detector, detector.bbox_head(detector.extract_feat(packed["inputs"]))


@pytest.mark.parametrize("name", POINTS)
def test_first_boxes_have_the_middle_size_of_their_level(name: str, digits: DataSet) -> None:
    """Else no box fits an object at first, and the class is learnt only where boxes fit."""
    detector, (_, first, _) = points_at_the_start(name, digits)
    for level, (points, stride) in enumerate(zip(first, (8, 16, 32, 64), strict=True)):
        left, top, right, bottom = detector.bbox_head.points2bbox(points).unbind(1)
        for side in (right - left, bottom - top):
            assert torch.allclose(side * stride, torch.tensor(17.0 * 2**level), rtol=0.1)


@pytest.mark.parametrize("name", POINTS)
def test_classes_differ_in_a_head_of_points_from_the_start(name: str, digits: DataSet) -> None:
    """With outputs started at 0.01 they differ by less than a tenth, and learn the same first."""
    detector, (scores, _, _) = points_at_the_start(name, digits)
    finest = scores[0].detach()
    apart = (finest - finest.mean(1, keepdim=True)).std(dim=(0, 2, 3))
    assert 0.2 < apart.mean() < 2, apart
    assert torch.sigmoid(finest).mean() < 0.05  # still background almost everywhere
    # The sampling convolutions are no `Conv2d` to mmdet and start for their width by themselves.
    sampling = detector.bbox_head.reppoints_cls_conv.weight.detach()
    assert sampling.std().item() == pytest.approx((2 / sampling[0].numel()) ** 0.5, rel=0.1)


def test_more_cells_learn_an_object_s_first_box_where_asked(digits: DataSet) -> None:
    few, _ = points_at_the_start("mini-reppoints-r18", digits, points_per_object=1)
    many, _ = points_at_the_start("mini-reppoints-r18", digits, points_per_object=3)
    assert (few.bbox_head.init_assigner.pos_num, many.bbox_head.init_assigner.pos_num) == (1, 3)


@pytest.mark.parametrize("name", PAIRS)
def test_teacher_and_student_have_necks_alike(name: str, digits: DataSet) -> None:
    pair = catalogue.pair(name)
    teacher, student = built(pair.teacher, digits), built(pair.student, digits)
    assert probe(teacher, "neck-out", (SIDE, SIDE)) == probe(student, "neck-out", (SIDE, SIDE))
    weights = [sum(p.numel() for p in one.parameters()) for one in (teacher, student)]
    assert weights[0] > 2 * weights[1]
    shared = inheritable(student, teacher)
    if pair.inheritable:
        assert any(name.startswith("neck.fpn_convs") for name in shared)
        heads = [name for name in student.state_dict() if name.startswith("bbox_head")]
        assert set(heads) <= set(shared)


@pytest.mark.parametrize("name", DETECTORS)
def test_the_pre_trained_trunk_fits_the_backbone(name: str, digits: DataSet) -> None:
    definition = catalogue.detector(catalogue.detector(name).pretrained)
    classifier = build_classifier(
        ClassifierOptions.model_validate(definition.options), 10, (0, 0, 0), (1, 1, 1), 0
    )
    backbone = built(name, digits).backbone
    backbone.load_state_dict(classifier.backbone.state_dict())
    with torch.no_grad():
        pixels = torch.rand(1, 3, 64, 64)
        backbone.eval()
        classifier.eval()
        own, others = backbone(pixels), classifier.backbone(pixels)
    assert all(torch.equal(one, other) for one, other in zip(own, others, strict=True))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_has_the_losses_it_is_asked_for(name: str) -> None:
    options = ClassifierOptions.model_validate(catalogue.detector(name).options)
    inputs = torch.randint(0, 256, (4, 3, options.input_size, options.input_size))
    labels = torch.tensor([0, 1, 2, 3])
    plain = options.model_copy(update={"binary": 0.0})
    only = build_classifier(plain, 10, (127.5,) * 3, (60.0,) * 3, 0)
    assert set(only(inputs, labels, mode="loss")) == {"loss_cross_entropy"}
    both = options.model_copy(update={"binary": 1.0})
    found = build_classifier(both, 10, (127.5,) * 3, (60.0,) * 3, 0)(inputs, labels, mode="loss")
    assert set(found) == {"loss_cross_entropy", "loss_binary"}
    assert found["loss_binary"].item() == pytest.approx(10 * 0.69, rel=0.5)  # untrained: ln 2 each


def test_first_weights_are_the_seed_s(digits: DataSet) -> None:
    name = "mini-retinanet-r18"
    one, same, other = (built(name, digits, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="depht"):
        MiniOptions.model_validate(
            {"architecture": "retinanet", "depth": 18, "depht": 1, "width": 8, "neck": 8, "head": 8}
        )


def test_definitions_are_data_beside_the_code() -> None:
    catalogue.check()
    assert {"one-stage", "two-stage", "anchor-free"} == {catalogue.pair(p).family for p in PAIRS}
    assert (Path(catalogue.__file__).parent / "definitions" / "mini.yaml").is_file()


@pytest.mark.parametrize("name", SUITES)
def test_the_levels_that_the_shipped_suites_ask_for_exist(name: str, digits: DataSet) -> None:
    """Known only once detectors are built: a suite that is read knows no pyramid."""
    asked = {
        (run.model["name"], run.teacher_model["name"], spec)
        for run in load(name).runs
        if run.kind == "student" and run.teacher_model is not None and run.schedule is not None
        for spec in map(settings_of, run.methods)
        if isinstance(spec, FeatureSettings)
    }
    assert asked
    probed = functools.cache(lambda model, tap: probe(built(model, digits), tap, (SIDE, SIDE)))
    for student, teacher, settings in asked:
        pair_levels(settings, *(probed(model, settings.tap) for model in (student, teacher)))
