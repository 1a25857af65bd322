"""The page of pairs says what the definitions say."""

from __future__ import annotations

from workflow.models import catalogue, pairs_page


def test_the_page_is_up_to_date() -> None:
    assert pairs_page.main(["--check"]) == 0, "run `python -m workflow.models.pairs_page`"


def test_every_pair_stands_on_it() -> None:
    page = pairs_page.page()
    for name in catalogue.names("pairs", "coco"):
        assert page.count(f"| `{name}` |") == 1, name
    assert "| `retinanet-x101-r50` | retinanet-x101 (41.0) |" in page
