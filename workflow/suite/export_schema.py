"""Writes the JSON schema of suites, for editors: `python -m workflow.suite.export_schema`."""

from __future__ import annotations

import json
from pathlib import Path

from workflow.suite.schema import SuiteFile

TARGET = Path(__file__).parents[1] / "suites" / "schema.json"


def text() -> str:
    schema = SuiteFile.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    # A suite that extends another one may leave out what the other says.
    schema["required"] = ["title"]
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(TARGET)
