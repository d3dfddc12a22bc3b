"""Pieces of configuration that many tests put together."""

import os

from settings import ROOT


def upstream(*endpoints, **more):
    """One named upstream; endpoints are URLs or anything with a `url`."""
    return {"endpoints": [getattr(one, "url", one) for one in endpoints], **more}


def simple(*endpoints, route=None, upstream_options=None, **more):
    """Everything goes to one upstream called `api` by one route called `all`."""
    return {
        "upstreams": {"api": upstream(*endpoints, **(upstream_options or {}))},
        "routes": [{"name": "all", "match": {"path": "/"}, "upstream": "api", **(route or {})}],
        **more,
    }


def tls_listener(*leaves, **more):
    if len(leaves) == 1:
        return {"address": "127.0.0.1:0", "tls": {**leaves[0].as_config(), **more}}
    return {"address": "127.0.0.1:0", "tls": {"certificates": [leaf.as_config() for leaf in leaves], **more}}


def plain_listener(**more):
    return {"address": "127.0.0.1:0", **more}


def example(name, replace):
    """The text of a file in conf/ with some of its parts replaced, each of which must be there."""
    with open(os.path.join(ROOT, "conf", name), encoding="utf-8") as file:
        text = file.read()
    for old, new in replace.items():
        assert old in text, f"{name} has no {old}"
        text = text.replace(old, new)
    return text
