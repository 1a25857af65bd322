"""What lets mmdet 3.3 and mmrazor 1.0 run on today's torch, from wheels alone.

One call, before mmdet, mmrazor or mmcv.ops is imported:

    import workflow.compat
    workflow.compat.install()

It is idempotent and does five things, each in its own module:

- `operators`: where no compiled mmcv is installed, `mmcv._ext` is served by torchvision's kernels;
- `quantisation`: an inert stand-in for mmrazor's quantisation package;
- `mends`: mistakes of mmdet 3.3.0 that stand in the way;
- `unneeded`: heavy packages that they import for parts which nobody here uses are left out;
- `loaders`: mmengine's checkpoint loaders read tensors and plain data, and can run no code
  (`checkpoints` is what they, and you, call).

The first four only register import finders, so nothing is imported before it is asked for.
"""

from __future__ import annotations


def install() -> None:
    """Make mmcv's operators, mmrazor and safe checkpoint loading available to this process."""
    from workflow.compat import mends, operators, quantisation, unneeded

    operators.install()
    quantisation.install()
    mends.install()
    unneeded.install()

    from workflow.compat import loaders

    loaders.install()
