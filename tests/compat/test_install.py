"""What `install` puts in place, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


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


def test_installing_twice_is_installing_once() -> None:
    assert run(
        "import sys, workflow.compat; workflow.compat.install(); before = len(sys.meta_path); "
        "workflow.compat.install(); print(len(sys.meta_path) - before)"
    ) == "0"  # fmt: skip


def test_operators_are_served_and_missing_ones_say_what_to_install() -> None:
    lines = run(
        """
import workflow.compat
workflow.compat.install()
from mmengine.utils.dl_utils import mmcv_full_available
print(mmcv_full_available())
from workflow.compat.operators import MissingOperator, backend
print(backend())
import torch
from mmcv.ops import get_compiler_version, nms_rotated
print(get_compiler_version())
try:
    nms_rotated(torch.rand(2, 5), torch.rand(2), 0.5)
except MissingOperator as error:
    print(error)
"""
    ).splitlines()
    assert lines[:2] == ["True", "torchvision"]
    assert lines[2].startswith("torchvision ")
    assert "'nms_rotated' is not available" in lines[3]
    assert "pip install 'mmcv==2.1.0'" in lines[3]


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


def test_programs_do_not_wait_for_packages_of_parts_that_nobody_uses() -> None:
    """And who wants these packages has them: later, in the same process, or before."""
    lines = run(
        """
import sys
import workflow.train
heavy = ("seaborn", "pandas", "matplotlib", "sklearn", "scipy.stats")
print([name for name in heavy if name in sys.modules])
from mmdet.utils import imshow_mot_errors
try:
    imshow_mot_errors()
except NotImplementedError as error:
    print(error)
import scipy.stats
from sklearn.datasets import load_digits
print(scipy.stats.norm.cdf(0), load_digits.__name__)
from mmdet.models.dense_heads import paa_head
print(paa_head.skm)
"""
    ).splitlines()
    assert lines[0] == "[]"
    assert "workflow.compat.unneeded" in lines[1]
    assert lines[2:] == ["0.5 load_digits", "None"]


def test_the_point_assigner_is_mended_once_whichever_came_first() -> None:
    """That the mended assigner may be asked on a GPU, `test_detectors` holds."""
    program = """
import sys
if sys.argv[1] == 'mmdet first':
    from workflow.compat import operators
    operators.install()
    import mmdet.models
import workflow.compat
workflow.compat.install()
workflow.compat.install()
from mmdet.models.task_modules.assigners import PointAssigner
print(hasattr(PointAssigner.assign, '__wrapped__'))
print(hasattr(PointAssigner.assign.__wrapped__, '__wrapped__'))
"""
    for order in ("mmdet first", "mmdet last"):
        assert run(program, order).splitlines() == ["True", "False"]


def test_ssd_is_mended_even_where_mmdet_came_first() -> None:
    out = run(
        """
from workflow.compat import mends, operators
operators.install()
from mmdet.models.dense_heads import SSDHead
before = hasattr(SSDHead, 'loss_cls')
import workflow.compat
workflow.compat.install()
print(before, SSDHead.loss_cls)
"""
    )
    assert out == "False None"
