#!/usr/bin/env python3
"""Includes go downward only, and every outside library has one home.

The modules of gateway/ stand in numbered layers. A file includes from layers with a smaller number and from its own
module, never from a module of its own layer; a header is named by module and file; no header includes itself by a
detour. Above its layer a wire protocol is named in a few places only: everybody else knows http/stream.h, so that
one exchange serves every protocol. Runs as a test. Usage: check_layers.py [ROOT]
"""

import re
import sys
from pathlib import Path

LAYERS = [
    ["base"],
    ["telemetry", "crypto"],
    ["net"],
    ["http"],
    ["http1", "websocket", "coding"],
    ["state"],
    ["policy", "upstream", "files"],
    ["routing", "identity"],
    ["tunnel"],
    ["proxy"],
    ["server"],
    ["config"],
    ["demo", "admin"],
    ["app"],
]
LAYER_OF = {module: layer for layer, modules in enumerate(LAYERS) for module in modules}

# What an include of an outside library looks like, and the modules (or files, without suffix) that may have it.
# The first pattern that fits decides.
HOMES = [
    (re.compile(r"uv(\.h$|/)"), ["net"]),
    (re.compile(r"ares"), ["net"]),
    (re.compile(r"openssl/(ssl|ssl2|ssl3|tls1|dtls1|srtp)\.h$"), ["net"]),
    (re.compile(r"openssl/"), ["net", "crypto"]),
    (re.compile(r"wslay/"), ["websocket"]),
    (re.compile(r"yaml-cpp/"), ["config/yaml_reader"]),
    (re.compile(r"re2/"), ["policy"]),
    (re.compile(r"idn2\.h$"), ["config/international_name"]),
    (re.compile(r"zlib\.h$"), ["coding/gzip_encoder", "websocket/deflate"]),
    (re.compile(r"brotli/"), ["coding/brotli_encoder"]),
    (re.compile(r"zstd\.h$"), ["coding/zstd_encoder"]),
    (re.compile(r"crypt\.h$"), ["crypto/password_hash"]),
    (re.compile(r"argon2\.h$"), ["crypto/argon2id"]),
    (re.compile(r"CLI/"), ["app"]),
    (re.compile(r"nlohmann/"), ["base/json"]),
]

# The modules (or files, without suffix) above its layer that may name a wire protocol.
PROTOCOL_USERS = {
    "http1": ["server/http1_service", "upstream/connector", "admin", "demo"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SOURCES = {".h", ".cpp"}


def includes_of(text):
    """Yields (line, is_quoted, name) for every include that is not commented out."""
    text = BLOCK_COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1) == '"', match.group(2)


def judge(name, quoted, module, stem):
    """One sentence that says why gateway/<module>/<stem> may not include `name`, or None."""
    for pattern, homes in HOMES:
        if pattern.match(name):
            if module in homes or f"{module}/{stem}" in homes:
                return None
            return f"<{name}> belongs to {' and '.join(homes)} only"
    if not quoted:
        return None
    if "/" not in name:
        return f'"{name}" is not named by its module: write "{module}/{name}"'
    other = name.split("/", 1)[0]
    if other == module:
        return None
    if other not in LAYER_OF:
        return f'"{name}" names no module'
    if LAYER_OF[other] == LAYER_OF[module]:
        return f'"{name}": {module} and {other} share layer {LAYER_OF[module]} and must not know each other'
    if LAYER_OF[other] > LAYER_OF[module]:
        return f'"{name}": {module} (layer {LAYER_OF[module]}) must not know {other} (layer {LAYER_OF[other]})'
    return None


def names_of_protocols(text, module, stem):
    """Yields (line, sentence) for every name of a wire protocol that does not belong into gateway/<module>/<stem>."""
    code = STRING_OR_COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
    for protocol, users in PROTOCOL_USERS.items():
        if LAYER_OF[module] <= LAYER_OF[protocol] or module in users or f"{module}/{stem}" in users:
            continue
        places = [(line, name) for line, _, name in includes_of(text) if name.startswith(f"{protocol}/")]
        places += [(code.count("\n", 0, match.start()) + 1, match.group())
                   for match in re.finditer(rf"\b{protocol}::\w*", code)]
        for line, name in places:
            yield line, f'"{name}": above its layer, {protocol} is for {", ".join(users)} only: use http/stream.h'


def find_cycles(graph):
    """Yields each include cycle once, as a list of files that starts and ends with the same one."""
    finished, path = set(), []

    def visit(file):
        if file in path:
            yield path[path.index(file):] + [file]
            return
        if file in finished:
            return
        path.append(file)
        for other in graph.get(file, []):
            yield from visit(other)
        path.pop()
        finished.add(file)

    for file in sorted(graph):
        yield from visit(file)


def check(root):
    """All problems of the tree at `root`, as "file:line: sentence"."""
    gateway = Path(root) / "gateway"
    problems, graph = [], {}
    for path in sorted(path for path in gateway.rglob("*") if path.suffix in SOURCES):
        inside = path.relative_to(gateway)
        if len(inside.parts) != 2 or inside.parts[0] not in LAYER_OF:
            problems.append(f"gateway/{inside}:1: a source file lies in gateway/<module>/, and this is no module")
            continue
        module = inside.parts[0]
        text = path.read_text(encoding="utf-8")
        problems += [f"gateway/{inside}:{line}: {sentence}"
                     for line, sentence in names_of_protocols(text, module, path.stem)]
        for line, quoted, name in includes_of(text):
            sentence = judge(name, quoted, module, path.stem)
            if sentence:
                problems.append(f"gateway/{inside}:{line}: {sentence}")
            elif quoted:
                graph.setdefault(str(inside), []).append(name)
    problems += ["gateway/" + cycle[0] + ":1: includes itself: " + " -> ".join(cycle)
                 for cycle in find_cycles(graph)]
    return problems


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems" if problems else "layers: in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
