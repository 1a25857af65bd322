"""One batch, seen by two detectors that normalise pixels differently."""

from __future__ import annotations

import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor

from tests.distill.pairs import SIDE
from workflow.distill.pixels import TeacherPixels

RGB = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "bgr_to_rgb": True}
CAFFE = {"mean": [102.9801, 115.9465, 122.7717], "std": [1, 1, 1], "bgr_to_rgb": False}


def _prepared(settings: dict[str, object]) -> tuple[DetDataPreprocessor, torch.Tensor]:
    """Two images of different sizes as the detector of these settings would see them."""
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator)
        for size in ((SIDE, 100), (90, SIDE))
    ]
    preprocessor = DetDataPreprocessor(pad_size_divisor=32, **settings)
    return preprocessor, preprocessor({"inputs": images, "data_samples": None}, True)["inputs"]


SIZES = ((SIDE, 100), (90, SIDE))


def test_where_they_agree_the_tensor_is_handed_on() -> None:
    student, inputs = _prepared(RGB)
    teacher, _ = _prepared(RGB)
    assert TeacherPixels(student, teacher)(inputs, SIZES) is inputs


def test_the_teacher_sees_its_own_normalisation_and_channel_order() -> None:
    for one, other in ((RGB, CAFFE), (CAFFE, RGB), (RGB, {**CAFFE, "bgr_to_rgb": True})):
        student, inputs = _prepared(one)
        teacher, expected = _prepared(other)
        found = TeacherPixels(student, teacher)(inputs, SIZES)
        assert torch.allclose(found, expected, atol=1e-4)
        assert (found[1, :, 90:] == 0).all()
