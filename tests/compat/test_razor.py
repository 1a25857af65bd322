"""mmrazor's distillation runs on today's torch."""

from __future__ import annotations

import torch

import workflow.compat

workflow.compat.install()

import mmrazor.engine  # noqa: E402
import mmrazor.models  # noqa: E402
from mmdet.utils import register_all_modules  # noqa: E402
from mmengine.optim import OptimWrapper  # noqa: E402
from mmrazor.registry import MODELS  # noqa: E402

from tests.compat.detectors import batch, small_config  # noqa: E402

register_all_modules(init_default_scope=True)


def test_everything_of_mmrazor_imports() -> None:
    assert mmrazor.models.FpnTeacherDistill is MODELS.get("FpnTeacherDistill")
    assert mmrazor.engine.SelfDistillValLoop is not None


def test_quantisation_stands_in_with_empty_classes() -> None:
    from mmrazor.structures import quantization

    assert quantization.__spec__.name == "mmrazor.structures.quantization"
    assert isinstance(quantization.QConfigHandler, type)


def test_fpn_teacher_distill_takes_a_training_step() -> None:
    torch.manual_seed(0)
    fpn = {"fpn": {"type": "ModuleOutputs", "source": "neck"}}
    features = {name: {"recorder": "fpn", "from_student": name == "preds_S", "data_idx": 0}
                for name in ("preds_S", "preds_T")}  # fmt: skip
    algorithm = MODELS.build(
        {
            "type": "FpnTeacherDistill",
            "_scope_": "mmrazor",
            "architecture": {**small_config("RetinaNet"), "_scope_": "mmdet"},
            "teacher": {**small_config("RetinaNet"), "_scope_": "mmdet"},
            "distiller": {
                "type": "ConfigurableDistiller",
                "student_recorders": fpn,
                "teacher_recorders": fpn,
                "distill_losses": {"loss_pkd": {"type": "PKDLoss", "loss_weight": 1}},
                "loss_forward_mappings": {"loss_pkd": features},
            },
            "data_preprocessor": None,
        }
    )
    algorithm.data_preprocessor = algorithm.architecture.data_preprocessor
    teacher = {key: value.clone() for key, value in algorithm.teacher.state_dict().items()}
    student = {key: value.clone() for key, value in algorithm.architecture.state_dict().items()}
    trained = [weight for weight in algorithm.parameters() if weight.requires_grad]

    algorithm.train()
    losses = algorithm.train_step(batch(), OptimWrapper(torch.optim.SGD(trained, lr=1e-2)))

    assert losses["distill.loss_pkd"] > 0
    assert torch.isfinite(losses["loss"])
    after = algorithm.architecture.state_dict()
    assert any(not after[key].equal(value) for key, value in student.items() if "neck" in key)
    # The teacher is frozen but for the batch statistics that mmrazor lets it keep.
    moved = [
        key
        for key, value in algorithm.teacher.state_dict().items()
        if "running" not in key and "batches" not in key and not value.equal(teacher[key])
    ]
    assert moved == []
