"""`postern schema` against a real validator: every example, and every document of the unit tests, gets from it the
verdict that `postern check` has, as far as a schema can say what is wrong."""

import glob
import json
import os
import re
import subprocess

import pytest
import yaml

from settings import BACKENDS, HERE, ROOT, patience, postern_binary

# What a schema cannot say. Each is a part of a sentence of `check`, and stands for a class of problems.
BEYOND_A_SCHEMA = {
    "YAML itself": [
        "UTF-8", "anchor", "alias", "tag", "the file", "document", "duplicate", "indent", "twice", "stands here", "line end",
        "control character", "dash needs", "colon", "typographic", "merge", "quotes", "nested", "too many",
    ],
    "ranges of values that are texts": ["is out of range", "is too large", "begins with a zero", "is more than",
                                        "is not possible here", "is less than the first time", "is not a whole number of seconds"],
    "what one part of a file says of another": [
        "there is no ", "needs jwt", "stands beside", "leads nowhere", "is the address of", "is the name of the route",
        "is for what goes to an upstream", "has one action", "has no action", "no action for them", "needs files", "needs rate",
        "needs byte_rate", "needs a path", "needs one path", "needs match.path", "needs keys", "needs a secret", "carries the request id",
        "is keyed by a claim", "counts by the sub claim", "has neither keys nor secret", "is for pattern", "is empty: strip_prefix",
        "takes another claim", "stands in limits as well", "stands on a TLS listener", "move all into certificates",
        "cannot go with status", "would be taken", "can be reached from other machines", "can never",
    ],
    "what stands in a list or a map already": ["already", "is the same path as", "backups only", "more than 100", "more than 200",
                                               "more than 64", "more than 32"],
    "the grammar of texts": [
        "is not a", "is neither", "is none of", "has no port", "has a port", "has no", "has a", "has {", "is a name", "names no file", "names no host",
        "is written", "is named as", "is longer than", "is shorter than", "is reserved", "is set by the gateway",
        "belongs to the WebSocket", "is a hop-by-hop", "says where the message", "carries credentials", "is what origin lists",
        "begins with", "begins or ends", "does not begin", "does not say", "would let every", "together with credentials",
        "fits no path", "is a path", "is in front of every", "is every path", "is what metrics", "is never compressed",
        "a URL is not fetched", "is the name of a file", "holds a character", "stands for whatever", "is sent as it stands",
        "ends with", "has the parameter", "is not the name of", "is not in lower case", "is empty; leave it out",
        "is not RE2", "is no ", "is not an", "is longer", "bits", "user", "is missing",
    ],
}
SENTENCES = [part for parts in BEYOND_A_SCHEMA.values() for part in parts]


def resolved(node):
    """What an editor makes of YAML 1.2: plain scalars are numbers, booleans and null where they look like it."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: resolved(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [resolved(item) for item in node.value]
    if node is None:  # an empty document
        return None
    if node.style is not None:
        return node.value
    if node.value in ("", "~", "null", "Null", "NULL"):
        return None
    if node.value in ("true", "True", "TRUE"):
        return True
    if node.value in ("false", "False", "FALSE"):
        return False
    if re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", node.value):
        return int(node.value)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)", node.value):
        return float(node.value)
    return node.value


def read_yaml(text):
    return resolved(yaml.compose(text, Loader=yaml.SafeLoader))


def schema_text():
    done = subprocess.run([postern_binary(), "schema"], capture_output=True, text=True, check=True, timeout=patience(20))
    return done.stdout


def verdicts_of(documents):
    asked = json.dumps({"schema": json.loads(schema_text()), "documents": documents})
    done = subprocess.run(["node", os.path.join(BACKENDS, "validate_schema.mjs")], input=asked, capture_output=True, text=True,
                          check=False, timeout=patience(120), cwd=HERE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_examples_name_the_schema_beside_them_and_fit_it():
    files = sorted(glob.glob(f"{ROOT}/conf/*.yaml"))
    assert len(files) >= 13
    documents = {}
    for file in files:
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        if not file.endswith("/minimal.yaml"):  # whose five lines are what it shows
            assert text.startswith("# yaml-language-server: $schema=postern.schema.json\n"), file
        documents[file] = read_yaml(text)
    wrong = {file: verdict for file, verdict in verdicts_of(documents).items() if verdict is not True}
    assert wrong == {}


def unit_config():
    """The unit tests of the configuration, beside the gateway that is under test."""
    return os.path.join(os.path.dirname(postern_binary()), "tests", "unit_config")


@pytest.fixture(scope="module")
def dumped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    assert os.access(unit_config(), os.X_OK), f"there is no {unit_config()}: build the unit tests of the gateway's build"
    environment = {**os.environ, "POSTERN_DUMP_DOCUMENTS": str(folder)}
    subprocess.run([unit_config()], env=environment, capture_output=True, check=False, timeout=patience(300))
    documents = {}
    for file in glob.glob(f"{folder}/*.yaml"):
        with open(file, "rb") as opened:
            text = opened.read()
        with open(file[:-5] + ".json", encoding="utf-8") as opened:
            problems = [one["sentence"] for one in json.load(opened)["problems"] if one["severity"] == "error"]
        documents[text] = problems
    return documents


def test_documents_of_the_unit_tests_get_the_verdict_of_check(dumped):
    assert len(dumped) > 1000
    names, asked = {}, {}
    for text, problems in dumped.items():
        try:
            value = read_yaml(text.decode())
        except (UnicodeDecodeError, yaml.YAMLError, TypeError):
            assert problems, text  # what YAML does not allow is no matter of a schema
            continue
        if b"${" in text and problems:
            continue  # what the environment puts in, no schema can know
        name = str(len(names))
        names[name], asked[name] = (text.decode(), problems), value
    too_strict, too_lax = [], []
    for name, verdict in verdicts_of(asked).items():
        text, problems = names[name]
        if verdict is not True and not problems:
            too_strict.append((text, verdict))
        if verdict is True and problems and not all(any(part in one for part in SENTENCES) for one in problems):
            too_lax.append((text, problems))
    assert too_strict == []
    assert too_lax == [], "\n".join(repr(one[1]) for one in too_lax)
