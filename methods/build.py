"""From a resolved method to the module that computes its losses."""

from __future__ import annotations

import importlib

from methods.contract import Context, Distiller
from methods.settings.base import FeatureSettings, MethodSpec, Settings
from methods.settings.resolve import settings_of


def build(spec: MethodSpec | Settings, context: Context) -> Distiller:
    """The distiller of a method; draws its initial weights from torch's global generator."""
    settings = spec if isinstance(spec, Settings) else settings_of(spec)
    distiller: Distiller = importlib.import_module(settings.module).build(settings, context)
    if isinstance(settings, FeatureSettings):
        distiller.tap, distiller.levels = settings.tap, settings.levels
    return distiller
