"""`mmcv._ext`, mmcv's compiled operators, over torchvision's.

mmcv's compiled wheel must match torch and CUDA to the minor version and has not been built for
current releases; its pure-Python wheel lacks only `mmcv._ext`. This module serves that name. The
finder goes to the *end* of Python's search, so a truly compiled mmcv is always found first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

from workflow.compat.finder import OneModule

NAME = "mmcv._ext"
ORIGIN = "workflow.compat.operators"


class MissingOperator(NotImplementedError):
    """An operator of mmcv that torchvision has no counterpart for."""


def install() -> None:
    """Serve `mmcv._ext` where no compiled one is found."""
    if not any(isinstance(finder, OneModule) and finder.name == NAME for finder in sys.meta_path):
        sys.meta_path.append(OneModule(NAME, fill, ORIGIN))


def backend() -> str:
    """'mmcv' where a compiled mmcv is installed, else 'torchvision'."""
    from importlib.util import find_spec

    spec = find_spec(NAME)
    return "torchvision" if spec is None or spec.origin == ORIGIN else "mmcv"


def fill(module: ModuleType) -> None:
    """Give the module its operators; any other name raises when it is called, not before."""
    import torch
    import torchvision

    from workflow.compat import boxes, deformable, focal, roi_align

    operators = (
        boxes.nms,
        boxes.softnms,
        roi_align.roi_align_forward,
        roi_align.roi_align_backward,
        deformable.deform_conv_forward,
        deformable.deform_conv_backward_input,
        deformable.deform_conv_backward_parameters,
        deformable.modulated_deform_conv_forward,
        deformable.modulated_deform_conv_backward,
        focal.sigmoid_focal_loss_forward,
        focal.sigmoid_focal_loss_backward,
    )
    vars(module).update(
        {operator.__name__: operator for operator in operators},
        get_compiler_version=lambda: f"torchvision {torchvision.__version__}",
        get_compiling_cuda_version=lambda: torch.version.cuda or "not available",
        __getattr__=missing,  # mmcv.ops asks for every operator by name when it is imported
    )


def missing(name: str) -> Callable:
    if name.startswith("__"):
        raise AttributeError(f"module {NAME!r} has no attribute {name!r}")

    def raise_missing(*args, **kwargs):
        raise MissingOperator(
            f"mmcv operator '{name}' is not available: this environment runs mmcv's operators on "
            "torchvision, which has no such kernel. Install a compiled mmcv 2.1 in place of "
            "mmcv-lite (pip uninstall mmcv-lite; pip install 'mmcv==2.1.0', which needs a "
            "compiler and the CUDA toolkit of your torch); it is then used untouched."
        )

    return raise_missing
