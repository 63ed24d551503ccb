"""The JSON Schema of scenario files, read from the same signatures that the loader checks them against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaoscore.loader.drafts import keys_of
from chaoscore.loader.tables import SETTINGS, scenario_file, used_injector, used_part, used_step
from chaoscore.offers import Catalogue, Offers
from chaoscore.parameters import Parameter, summary, takes_anything
from chaoscore.spec import Window

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"type": "string", "pattern": "^[^:]+:[^:]+$"}


def schema_of(catalogue: Catalogue) -> Schema:
    """Return the schema of the scenario files that can be read with what *catalogue* has."""
    file = _object(scenario_file)
    own: Schema = file["properties"]
    own["target"] |= _ref("target")
    own["steps"] |= {"minItems": 1, "items": {"anyOf": [{"type": "string"}, _object(used_step)]}}
    own["provide"] |= {"additionalProperties": _ref("provider")}
    own["inject"] |= {"additionalProperties": _ref("injector")}
    own["expect"] |= {"additionalProperties": _ref("validator")}
    for key, (_, make) in SETTINGS.items():
        own[key] = _object(make) | {"description": own[key]["description"]}
    parts = {
        "target": _part(used_part, catalogue.targets),
        "provider": _part(used_part, catalogue.providers),
        "injector": _part(used_injector, catalogue.injectors),
        "validator": _part(used_part, catalogue.validators),
    }
    return {"$schema": DIALECT, "title": "chaoscore scenario", **file, "$defs": parts}


def _part(form: Callable[..., None], offers: Offers[Any]) -> Schema:
    """Return the schema of a table with `use`: one of what is installed, or anything that is named by its module."""
    own = keys_of(form)
    foreign = _object(form) | {"additionalProperties": True}
    foreign["properties"] = _placed(own) | {"use": _REFERENCE}
    return {"anyOf": [*(_offer(own, name, _make(offers, name)) for name in offers.names), foreign]}


def _make(offers: Offers[Any], name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = offers.need(name, "the schema").part
    return found


def _offer(own: Mapping[str, Parameter], name: str, make: Callable[..., Any]) -> Schema:
    table = _object(make)
    return table | {
        "description": summary(make),
        "properties": table["properties"] | _placed(own) | {"use": {"const": name}},
        "required": ["use", *(key for key in table["required"] if key not in own)],
    }


def _placed(own: Mapping[str, Parameter]) -> Schema:
    """Return the properties that a table with `use` has whatever it uses."""
    return {key: _object(Window) if key == "window" else _property(each) for key, each in own.items()}


def _object(make: Callable[..., Any]) -> Schema:
    known = keys_of(make)
    return {
        "type": "object",
        "properties": {key: _property(each) for key, each in known.items()},
        "required": [key for key, each in known.items() if each.required],
        "additionalProperties": takes_anything(make),
    }


def _property(parameter: Parameter) -> Schema:
    schema = dict(parameter.shape.schema)
    if parameter.shape.part is not None:
        schema = _with_part(schema, parameter.shape.part)
    return schema | ({"description": parameter.description} if parameter.description else {})


def _with_part(schema: Schema, part: str) -> Schema:
    """Return *schema* with the parts in it described as those of the file are."""
    if schema.get("required") == ["use"]:
        return _ref(part)
    return {
        key: [_with_part(each, part) for each in value]
        if key == "anyOf"
        else _with_part(value, part)
        if key in ("items", "additionalProperties") and isinstance(value, dict)
        else value
        for key, value in schema.items()
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
