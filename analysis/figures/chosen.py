"""Which images a figure of maps shows: those that its suite names, else the first kept."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.errors import AnalysisError
from analysis.figures.attention import Scene
from analysis.figures.wanted import Wanted

ImageIds = tuple[int | str, ...]


def chosen(
    wanted: Wanted, scenes: Sequence[Scene], ids: ImageIds, most: int | None = None
) -> list[Scene]:
    """In the order of `ids`; without any, the first `most` of all."""
    if not ids:
        return list(scenes[:most])
    by_id = {scene.id: scene for scene in scenes}
    lost = [str(id) for id in ids if id not in by_id]
    if lost:
        raise AnalysisError(
            f"figure {wanted.figure.name!r} ({wanted.figure.kind}): ids: no maps were kept of "
            f"image {', '.join(lost)}; kept: {', '.join(map(str, by_id))}"
        )
    return [by_id[id] for id in ids]
