"""The detector families of the benchmark, from mmdet's own configurations, train and predict."""

from __future__ import annotations

import pytest
import torch

import workflow.compat

workflow.compat.install()

from mmdet.registry import MODELS  # noqa: E402
from mmdet.utils import register_all_modules  # noqa: E402
from mmengine.optim import OptimWrapper  # noqa: E402

from tests.compat.detectors import CONFIGS, batch, small_config, without_threshold  # noqa: E402
from tests.compat.elsewhere import Elsewhere, LeftOnHost  # noqa: E402

register_all_modules(init_default_scope=True)


@pytest.mark.parametrize("name", CONFIGS)
def test_trains_a_step_and_predicts(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS.build(small_config(name))
    model.init_weights()
    size = 300 if name == "SSD300" else 96
    before = {key: value.clone() for key, value in model.state_dict().items()}

    model.train()
    optimiser = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    with Elsewhere():
        losses = model.train_step(batch(size=size), optimiser)

    assert torch.isfinite(losses["loss"])
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    heads = {"bbox_head"} if "R-CNN" not in name else {"rpn_head", "roi_head"}
    for part in {"backbone", "neck"} | heads:
        assert any(key.startswith(part) for key in changed), f"no parameter of {part} moved"

    without_threshold(model).eval()
    with torch.no_grad(), Elsewhere():
        predictions = model.test_step(batch(size=size))
    assert len(predictions) == 2
    for prediction in predictions:
        found = prediction.pred_instances
        assert len(found) > 0
        assert found.bboxes.shape == (len(found), 4)
        assert torch.isfinite(found.bboxes).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert ((found.labels >= 0) & (found.labels < 80)).all()


def test_what_a_gpu_would_refuse_is_noticed() -> None:
    there, mask = torch.randn(4), torch.tensor([True, False, True, True])
    with Elsewhere():
        for meets in (
            lambda: torch.arange(4) + there,
            lambda: torch.arange(4)[mask],
            lambda: torch.cat([torch.zeros(2), there]),
            lambda: (torch.ones(4) * 2).dot(there),
        ):
            with pytest.raises(LeftOnHost, match="made without a device"):
                meets()
        assert (torch.tensor(2.0) * there).equal(there * 2)
        assert there[torch.arange(2)].equal(there[:2])
        assert (torch.ones(4).to(there) + there).equal(there + 1)
        assert (torch.ones(4, device=there.device) + there).equal(there + 1)
