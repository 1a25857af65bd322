"""A slip in a method's file: one line with file and line, exit code 2, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DROP_IN = """\
from typing import Any, ClassVar

from methods.settings.base import FeatureSettings, Variant


class OwnSettings(FeatureSettings):
    method = "own"
    title = "Own"
    by_family: ClassVar = {"two-stage": {"weight": 0.4}}
    variants: ClassVar = {"own-half": Variant(settings={"weight": 0.5})}


def build(settings: OwnSettings, context: Any) -> None:
    ...
"""
SHIPPED = """\
from typing import ClassVar

from methods.settings.base import FeatureSettings, Sweep, Variant


class OwnSettings(FeatureSettings):
    method = "own"
    module = "methods.own"
    title = "Own"
"""


def check_suite(folder: Path) -> subprocess.CompletedProcess[str]:
    """`python -m workflow.suite demo`, with further methods in `folder`."""
    code = (
        "import sys, methods, methods.settings\n"
        f"methods.__path__.append({str(folder)!r})\n"
        f"methods.settings.__path__.append({str(folder / 'settings')!r})\n"
        "from workflow.suite.__main__ import main\n"
        "sys.exit(main(['demo']))\n"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def told(folder: Path, **files: str) -> list[str]:
    """What is said of these files, of `methods/` by their names, of its settings with `settings_`
    before."""
    (folder / "settings").mkdir()
    for name, text in files.items():
        place = folder / "settings" if name.startswith("settings_") else folder
        (place / f"{name.removeprefix('settings_')}.py").write_text(text)
    ended = check_suite(folder)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return [line.removeprefix(f"{folder}/") for line in ended.stderr.splitlines()]


def changed(old: str, new: str) -> str:
    assert old in DROP_IN
    return DROP_IN.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed('"own"', '"mgd"'), "7: method `mgd` is defined twice: in methods/settings/mgd.py"),
        (changed('"own"', '"baseline"'), "7: `baseline` is a row without distillation"),
        (changed('"own-half"', '"amd-tau-0.3"'), "10: row `amd-tau-0.3` is named by `amd` too"),
        (changed('"own-half"', '"own"'), "7: row `own` is named by `own` too"),
        (changed("def build(", "def built("), "1: has no `build(settings, context)`, which method"),
        (
            changed('"two-stage"', '"twostage"'),
            "9: by_family: unknown family 'twostage'; did you mean 'two-stage'? allowed: one-stage",
        ),
        (changed('"weight": 0.4', '"wait": 0.4'), "7: row `own`, two-stage: unknown key `wait`"),
        (changed('"weight": 0.5', '"weight": "x"'), "10: row `own-half`, one-stage: weight: Input"),
        (changed("import Any", "import Anny"), "1: cannot be imported: ImportError: cannot import"),
        (changed("(FeatureSettings)", "(FeatureSettings"), "6: is not Python: "),
        (
            changed("(FeatureSettings)", "(Settings)").replace("FeatureSettings", "Settings"),
            "6: method `own` needs features, so its settings derive from `FeatureSettings`",
        ),
        (
            changed('"own"\n', '"own"\n    needs: ClassVar = frozenset({"features", "boxes"})\n'),
            "8: needs: unknown 'boxes'; allowed: cells, classifier, features, positives",
        ),
        (changed('    title = "Own"\n', ""), "6: method `own` has no `title`"),
        (changed('    method = "own"\n', ""), "1: has settings, but none of them has a key: "),
        (
            changed("Variant(set", "Variant(seat"),
            "10: cannot be imported: ValidationError: unknown",
        ),
        (
            changed('{"two-stage": {"weight": 0.4}}', "None"),
            "6: method `own` cannot be read: TypeE",
        ),
    ],
)
def test_a_slip_in_a_dropped_in_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (line,) = told(tmp_path, own=text)
    assert line.startswith(f"own.py:{said}")


def test_settings_that_derive_from_a_method_s_build_what_their_own_file_builds(
    tmp_path: Path,
) -> None:
    of_mgd = "from methods.settings.mgd import MGDSettings as FeatureSettings\n"
    text = changed("FeatureSettings, Variant", "Variant").replace(
        "\n\n\nclass", f"\n{of_mgd}\n\nclass"
    )
    text = text.replace("    variants", "    sweeps: ClassVar = {}\n    variants")
    (line,) = told(tmp_path, own=text.replace("def build(", "def built("))
    assert line == "own.py:1: has no `build(settings, context)`, which method `own` needs"
    (tmp_path / "own.py").write_text(text)
    code = (
        f"import methods\nmethods.__path__.append({str(tmp_path)!r})\n"
        "from methods.settings.catalogue import catalogue\nprint(catalogue()['own'].module)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.strip() == "methods.own", ended.stderr


def test_settings_lead_to_a_file_that_builds(tmp_path: Path) -> None:
    (line,) = told(tmp_path, settings_own=SHIPPED)
    assert line == "settings/own.py:8: `module` names 'methods.own', and there is no such file"


def test_the_file_that_builds_is_read_and_never_imported(tmp_path: Path) -> None:
    (line,) = told(tmp_path, settings_own=SHIPPED, own="raise SystemExit\nbuilt = 3\n")
    assert line == "own.py:1: has no `build(settings, context)`, which method `own` needs"
    (tmp_path / "own.py").write_text("raise SystemExit\nfrom elsewhere import build\n")
    assert check_suite(tmp_path).returncode == 0


def test_all_files_are_told_at_once(tmp_path: Path) -> None:
    wrong = SHIPPED.replace("ClassVar\n", "ClassVarr\n")
    lines = told(tmp_path, settings_own=wrong, own="def build(:\n", other="x = (\n")
    assert [line.split(": ")[0] for line in lines] == [
        "other.py:1",
        "own.py:1",
        "settings/own.py:1",
    ]


def test_a_number_of_a_sweep_is_one(tmp_path: Path) -> None:
    sweeps = '    sweeps: ClassVar = {"own-w": Sweep(field="weight", values=("high",))}\n'
    (line,) = told(tmp_path, settings_own=SHIPPED + sweeps, own="build = print\n")
    assert line.startswith("settings/own.py:6: method `own` cannot be read: ValueError: could not")
