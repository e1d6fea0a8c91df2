"""The JSON schema of the configuration files, for editors: `python -m service.config_schema`.

It is committed as config/schema.json, and a test holds it against the classes it is made from.
"""

from __future__ import annotations

import json
import sys

from pydantic.json_schema import models_json_schema

from service.config_model import LineFile, Recipe
from service.config_model_limits import Limits
from service.config_model_wire import Tags
from service.config_people import People


def schema_text() -> str:
    """Return config/schema.json: the line's file at the root, the others under `$defs`."""
    _, schema = models_json_schema(
        [(model, "validation") for model in (LineFile, Tags, Limits, Recipe, People)],
        title="Rheostat configuration",
    )
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    schema["$ref"] = "#/$defs/LineFile"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
