"""Writes plain dictionaries and lists as block YAML, so that tests state a configuration as data."""

import json


def _scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _is_nested(value):
    return isinstance(value, (dict, list)) and len(value) > 0


def _lines(value, indent):
    margin = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if _is_nested(item):
                yield f"{margin}{key}:"
                yield from _lines(item, indent + 1)
            else:
                yield f"{margin}{key}: {'{}' if item == {} else '[]' if item == [] else _scalar(item)}"
    else:
        for item in value:
            if _is_nested(item):
                nested = list(_lines(item, indent + 1))
                yield f"{margin}- {nested[0].lstrip()}" if isinstance(item, dict) else f"{margin}-"
                yield from nested[1:] if isinstance(item, dict) else nested
            else:
                yield f"{margin}- {_scalar(item)}"


def to_yaml(document):
    return "\n".join(_lines(document, 0)) + "\n"
