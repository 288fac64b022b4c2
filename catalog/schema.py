"""The JSON schema of an entry; `python -m bilinear.catalog.schema` writes it again after a change of the models."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def schema_text() -> str:
    """The schema as the repository holds it."""
    from pydantic import TypeAdapter

    from bilinear.catalog.text import AnyEntry, Entry

    adapter: TypeAdapter[AnyEntry] = TypeAdapter(Entry)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An entry of a bilinear catalog, format version 1",
        **adapter.json_schema(),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text())
