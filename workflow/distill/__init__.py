"""Training with a teacher: the algorithm, its taps, and inheriting."""

import workflow.compat

# Before anything here imports mmdet or mmrazor.
workflow.compat.install()
