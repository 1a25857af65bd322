"""What detections and classifiers are judged by, by its name in tables, figures and suites."""

from __future__ import annotations

from typing import Literal, get_args

Metric = Literal["AP", "AP50", "AP75", "APS", "APM", "APL"]
DETECTION: tuple[str, ...] = get_args(Metric)
CLASSIFICATION = ("top1", "top5")
HEADLINE: Metric = "AP"
