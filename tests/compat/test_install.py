"""What `install` puts in place, in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(program: str, *arguments: str) -> str:
    """Standard output of a program run from the root of the repository."""
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=root, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    imported = run(
        "import sys; import workflow.compat; from workflow.compat import operators, quantisation, "
        "mends, unneeded; operators.install(); quantisation.install(); mends.install(); "
        "unneeded.install(); "
        "print([name for name in ('torch', 'mmcv', 'mmdet', 'mmrazor') if name in sys.modules])"
    )
    assert imported == "[]"


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    """What a program sees that installs before anything else, as all of ours do."""
    program = """
import json, sys
import workflow.compat
workflow.compat.install()
once = len(sys.meta_path)
workflow.compat.install()
seen = {"more": len(sys.meta_path) - once}

import workflow.train
heavy = ("seaborn", "pandas", "matplotlib", "sklearn", "scipy.stats")
seen["heavy"] = [name for name in heavy if name in sys.modules]

from mmdet.utils import imshow_mot_errors
try:
    imshow_mot_errors()
except NotImplementedError as error:
    seen["unneeded"] = str(error)
import scipy.stats
from sklearn.datasets import load_digits
from mmdet.models.dense_heads import paa_head
seen["wanted"] = [float(scipy.stats.norm.cdf(0)), load_digits.__name__, paa_head.skm]

import torch
from mmengine.utils.dl_utils import mmcv_full_available
from mmcv.ops import get_compiler_version, nms_rotated
from workflow.compat.operators import MissingOperator, backend
seen["operators"] = [mmcv_full_available(), backend(), get_compiler_version()]
try:
    nms_rotated(torch.rand(2, 5), torch.rand(2), 0.5)
except MissingOperator as error:
    seen["missing"] = str(error)

workflow.compat.install()
from mmdet.models.task_modules.assigners import PointAssigner
wrapped = [hasattr(PointAssigner.assign, "__wrapped__")]
seen["mended"] = [*wrapped, hasattr(PointAssigner.assign.__wrapped__, "__wrapped__")]
print(json.dumps(seen))
"""
    found: dict[str, Any] = json.loads(run(program))
    return found


@pytest.fixture(scope="module")
def behind() -> dict[str, Any]:
    """What a program sees that had imported mmdet already."""
    program = """
import json
from workflow.compat import operators
operators.install()
from mmdet.models.dense_heads import SSDHead
from mmdet.models.task_modules.assigners import PointAssigner
seen = {"before": [hasattr(SSDHead, "loss_cls"), hasattr(PointAssigner.assign, "__wrapped__")]}
import workflow.compat
workflow.compat.install()
workflow.compat.install()
wrapped = [hasattr(PointAssigner.assign, "__wrapped__")]
seen["mended"] = [*wrapped, hasattr(PointAssigner.assign.__wrapped__, "__wrapped__")]
seen["ssd"] = SSDHead.loss_cls
print(json.dumps(seen))
"""
    found: dict[str, Any] = json.loads(run(program))
    return found


def test_installing_twice_is_installing_once(before: dict[str, Any]) -> None:
    assert before["more"] == 0


def test_operators_are_served_and_missing_ones_say_what_to_install(before: dict[str, Any]) -> None:
    full, backend, compiler = before["operators"]
    assert (full, backend) == (True, "torchvision")
    assert compiler.startswith("torchvision ")
    assert "'nms_rotated' is not available" in before["missing"]
    assert "pip install 'mmcv==2.1.0'" in before["missing"]


def test_a_compiled_mmcv_is_left_alone(tmp_path: Path) -> None:
    """A stand-in for the compiled extension, where the real one would lie."""
    (tmp_path / "_ext.py").write_text("nms = 'compiled'\n")
    out = run(
        """
import sys
import mmcv
mmcv.__path__.append(sys.argv[1])
import workflow.compat
workflow.compat.install()
from workflow.compat.operators import backend
import mmcv._ext
print(backend(), mmcv._ext.nms, hasattr(mmcv._ext, 'softnms'))
""",
        str(tmp_path),
    )
    assert out == "mmcv compiled False"


def test_programs_do_not_wait_for_packages_of_parts_that_nobody_uses(
    before: dict[str, Any],
) -> None:
    """And who wants these packages has them: later, in the same process, or before."""
    assert before["heavy"] == []
    assert "workflow.compat.unneeded" in before["unneeded"]
    assert before["wanted"] == [0.5, "load_digits", None]


def test_the_point_assigner_is_mended_once_whichever_came_first(
    before: dict[str, Any], behind: dict[str, Any]
) -> None:
    """That the mended assigner may be asked on a GPU, `test_detectors` holds."""
    assert before["mended"] == behind["mended"] == [True, False]


def test_mmdet_that_came_first_is_mended_behind_it(behind: dict[str, Any]) -> None:
    assert behind["before"] == [False, False]
    assert behind["ssd"] is None
