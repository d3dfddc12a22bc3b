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

# What a schema cannot say, by class. Each entry is a pattern for the whole of a sentence of `check`; "X" in it is any text in
# double quotes. Whatever is not here, the schema has to refuse as `check` does.
BEYOND_A_SCHEMA = {
    "the letters of YAML itself": [
        r"YAML tags are not taken here; .*", r"anchors and aliases are not taken here; .*",
        r"the value holds a control character other than a line end or a tab",
        r"holds a control character \(a line end or a tab\); write it in one line",
    ],
    "the range of a number that is part of a text": [
        r"X is out of range: (\d+(ms|s|m|h) to \d+(ms|s|m|h)|\d+KiB to \d+MiB)(, or (hold: )?none)?",
        r"X is not a whole number of seconds", r"is less than the first time \(\d+(s|m)\)", r"X begins with a zero; write X",
        r"X has no prefix length from 0 to 32", r"X has bits set behind its prefix; write X",
        r"X is neither a status from 200 to 599 nor a range of them \(write 200-399\)",
    ],
    "the length of a text in bytes, and what a count sums up": [
        r"has more than 256 comparisons", r"is nested more than 8 deep",
        r"is longer than (1024 bytes|4KiB|64KiB; serve it with files)", r"is shorter than 32 bytes; make one with: .*",
        r"has more than 100 rules", r"with this route there are more than 20000 pairs of a host and a path",
    ],
    "what comes from the environment": [
        r"has a value of the request beside one of the environment; .*", r"has names in it, which stand in the file itself",
    ],
    "names that stand elsewhere in the file": [
        r"there is no (basic_auth|jwt|origin list|rate limit|upstream) X; .*", r"X is keyed by a claim, so the route needs jwt",
        r"counts by the sub claim of a token: the route needs jwt to have any", r"X carries the request id already", r"names jwt\.[\w.-]+ and jwt\.[\w.-]+, whose tokens are in first messages of different forms",
        r"leads nowhere: no listener has tls", r"no listener asks for client certificates; .*", r"can never be taken: routes\[\d+\] in line \d+ matches the same requests( \(.*\))?",
        r"is the address of the listener in line \d+ too", r"X is the name of the route in line \d+ too", r"is the name of the rule in line \d+ too",
    ],
    "what stands in a list or a map already": [
        r"X stands in (this list|line \d+) already", r"stands in line \d+ already", r"this endpoint stands in line \d+ already",
        r"X takes another claim in line \d+ already", r"X carries the claim X already", r"X carries something else already", r"X is the same path as X", r"X is named already; case does not count",
        r"stands here twice, but for the case of its letters", r"is a second message; .*", r"has backups only; one endpoint at least must be none",
    ],
    "what a value needs of the value of another key": [
        r"HS\d+ needs a secret; .*", r"RS\d+ needs keys \(a public key\); .*", r"can be reached from other machines, .*",
        r"is a path; STOMP has headers, such as passcode", r"is not the path of a JSON field, such as /payload/token.*",
        r"is neither the path of a JSON field, .*", r"needs type and token: .*", r"needs a form: .*", r"is for message: json; the type of .* is known",
        r"cannot go with status \d+, which has no body", r"has clients that pass maintenance, and no action for them",
        r"needs (byte_)?rate: without a rate there is no burst", r"needs match.path to replace; .*",
        r"needs one path to replace; .*", r"none stands beside secure: false; .*", r"stands beside balance: \{ learn: \.\.\. \}; .*",
        r"is for what goes to an upstream, and this route answers by itself", r"stands in limits as well; a route has one of the two",
        r"has both certificates and certificate or key; move all into certificates", r"needs issuer: its metadata .*",
        r"needs an issuer that is an https URL", r"needs the issuer of jwt\.[\w.-]+, whose logout tokens it takes", r"has a min_age above its max_age", r"has no effect: the keys are in a file",
        r"has nobody to ask: the route has no upstream; .*", r"has no effect: jwt with report_only refuses no token",
        r"has no effect without allow and deny", r"X has report_only, which is for requests; name a limit without it",
        r"is not https, so that anybody on the way could replace the keys; .*",
        r"chooses among allow, client_certificate, basic_auth, jwt and forward_auth, and the route has (none|one) of them",
        r"any lets everybody in: jwt with required: false passes without a token",
        r"any lets everybody in: client_certificate with mode: wanted passes without one",
        r"any lets everybody in: jwt with report_only refuses nothing",
        r"needs Authorization, where jwt looks for its token too, and no request has both; .*",
        r"has a method that match\.methods of the route has not", r"fits no path that the route takes, .*",
        r"others has no meaning where no other rule names methods; leave it out", r"has an at_least above its at_most",
        r"names \{\w+\} in its (path|host), and compares no claim with \{(path|host)\.\w+\}",
        r"X has no meaning here; name it in a rule of a list: (path|host): X",
        r"X is none of the names that (path|host) of the rule has: .*",
        r"compares a claim with a value of the request, and belongs to the token alone; .*",
        r"X carries the user of basic_auth already",
        r"needs use: there are several sections under jwt, and one of them checks the token",
        r"needs a token: jwt has required: false", r"needs a token: with access: any, a client may come in without one",
        r"answers POST; leave methods out", r"needs a token: jwt with report_only asks for none",
        r"has no effect: every token of the route comes in a message, and then it is too late",
        r"has the token where the type stands",
        r"checks the new token by rules under the top-level jwt, and there are none", r"is never asked: the route does not match X",
        r"X carries the (token of jwt|password of basic_auth \(keep_authorization\)), which would be replaced", r"X carries what stands in the client's certificate already",
    ],
    "the grammar of header fields, cookies and methods": [
        r"X begins or ends with white space, which no field keeps; write X", r"X belongs to the WebSocket handshake",
        r"X is a hop-by-hop field, which belongs to one connection(; choose another field)?",
        r"X says where the message goes.*", r"X is not a (cookie|header) name \(.*\)", r"X is not a method: methods are in upper case; .*",
        r"X is not the name of a (cookie|query parameter)", r"X is not a name of letters, digits, -, \., _ and ~",
        r"X has a reserved prefix; choose another field",
        r"X (is set by the gateway itself|carries credentials of the client); choose another field",
        r"has a name with a colon or a control character, which nobody can send", r"has a key of its own: content_type",
        r"X has a key of its own: match\.(cookies|host)", r"X holds a character that no cookie's path may hold",
        r"X is not a domain", r"X stands for whatever there was, and can only be replaced; write remove or a value",
        r"X is not a media type such as text/css or text/\*", r"X is never compressed: each event has to arrive at once",
        r"X does not begin with X; write X", r"names X twice", r"X carries the token already \(jwt\.forward_as\)",
        r"has no effect: csrf is off", r"has no effect: under access: any, allow lets in and refuses nobody",
    ],
    "the grammar of paths, URLs, hosts, origins, templates and expressions": [
        r"X fits no path: .*", r"X has a X, and a path takes its characters as they are; .*", r"X has a X; a path is a prefix already; .*",
        r"X has the parameter X, and a path takes its characters as they are; .*",
        r"X has a regular expression, and a path takes its characters as they are; .*",
        r"X has a dot segment, which no normalised path has", r"X has a query or a fragment; .*", r"X is in front of every path already",
        r"X has a path or a query; an endpoint is scheme, host and port; write X", r"X is not an RE2 expression: .*",
        r"X begins with X, which leads to another host", r"X has X before a placeholder that begins with one",
        r"X has a (name in braces that is none of .*|part that is neither .*)", r"X has \{\w+\} twice",
        r"X has X without X; write X for the character", r"X names several scopes; .*",
        r"X has a character that no URL may hold unescaped", r"X has a placeholder .*", r"X has a user in front of its host",
        r"X is neither a path nor a URL of http or https", r"X has a character that a URL cannot have",
        r"X has braces that are neither \{uri\} nor \{url\}",
        r"X is neither a URL \(https://\.\.\.\) nor a path \(/\.\.\.\)", r"X names no host", r"X has an unknown placeholder X.*",
        r"has \{endpoint\}, which is chosen for each attempt .*", r"X is neither preserve, upstream nor a host: .*",
        r"X is an address, and clients send names only \(SNI\)", r"X is every name; leave names out for that",
        r"X is no subject: .*", r"X is not in the form of RFC 2253: .*", r"X is no name of a certificate: .*",
        r"X has no IP address behind IP:", r"X has a X that is neither the first label of a DNS name nor the end of a URI",
        r"X is not a host name", r"X is not in lower case; write X", r"X ends with X; an origin does not; write X",
        r"is a URL that (has|holds|is longer) .*", r"X has a name that cannot be converted to what browsers send .*", r"X would let every site in; .*", r"is a name; a listener needs an address of this machine",
    ],
}
BEYOND = re.compile("|".join(f"(?:{one})" for patterns in BEYOND_A_SCHEMA.values() for one in patterns))


def is_beyond_a_schema(sentence):
    return BEYOND.fullmatch(re.sub(r'"(?:[^"\\]|\\.)*"', "X", sentence)) is not None


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
        if verdict is True and not all(is_beyond_a_schema(one) for one in problems):
            too_lax.append((text, problems))
    assert too_strict == []
    assert too_lax == [], "\n".join(repr(one[1]) for one in too_lax)
