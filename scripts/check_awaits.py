#!/usr/bin/env python3
"""Name it before you await it.

GCC 12 destroys some temporaries of a co_await expression twice and loses the result of a co_await in a switch
header, at every optimisation level. The forms below are the ones it compiles right, and they read well:

    auto name = co_await task;                 a named task
    Result<Chunk> chunk = co_await channel.read(scope);      a leaf wait, which allocates nothing
    co_await slot.take(scope);                 either of them as a statement

Refused: co_await in conditions, arguments, switch headers, co_return or larger expressions; awaiting the call of a
function that returns a Task; braces or lambdas inside the awaited expression; lambdas that are coroutines;
coroutine parameters that own something (they are references, pointers, views, scalars or enumerators).
Runs as a test. Usage: check_awaits.py [ROOT]
"""

import re
import sys
from pathlib import Path

SOURCES = {".h", ".cpp"}
EXEMPT = {"compiler_hazards_test.cpp"}  # holds the very forms the compiler must not break

# Types a coroutine may take by value, beside the enumerations and scalar aliases found in the tree.
SCALARS = {
    "bool", "char", "short", "int", "long", "unsigned", "signed", "float", "double", "size_t", "ssize_t",
    "ptrdiff_t", "byte", "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t",
    "uintptr_t", "string_view", "span", "nanoseconds", "microseconds", "milliseconds", "seconds", "minutes", "hours",
    "duration", "time_point", "Duration", "TimePoint", "Milliseconds", "Error", "coroutine_handle", "in_place_t",
    "Task",  # one owner, moved in by name: how a root task takes over what it follows
}
QUALIFIERS = {"const", "volatile", "typename", "struct", "class", "enum", "std", "chrono", "postern"}

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|->|::|&&|\|\||==|!=|<=|>=|\+=|-=|\*=|/=|\S")
RAW_STRING = re.compile(r'R"([^()\\\s]{0,16})\((.*?)\)\1"', re.DOTALL)
OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = {")": "(", "]": "[", "}": "{"}


class Token:
    __slots__ = ("text", "line")

    def __init__(self, text, line):
        self.text = text
        self.line = line


def blank(text):
    """`text` without comments, literals' contents and preprocessor lines; the lines stay where they were."""
    def keep_lines(match):
        return '""' + "\n" * match.group().count("\n")

    text = RAW_STRING.sub(keep_lines, text)
    pieces = re.compile(
        r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*",
        re.DOTALL | re.MULTILINE)

    def replace(match):
        found = match.group()
        lines = "\n" * found.count("\n")
        return ('""' if found[0] == '"' else "0" if found[0] == "'" else " ") + lines

    return pieces.sub(replace, text)


def tokenise(text):
    tokens, line, position = [], 1, 0
    text = blank(text)
    for match in TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        tokens.append(Token(match.group(), line))
    return tokens


def closing(tokens, start):
    """Index of the bracket that closes tokens[start], or len(tokens)."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text in OPENERS:
            depth += 1
        elif tokens[index].text in CLOSERS:
            depth -= 1
            if depth == 0:
                return index
    return len(tokens)


def closing_angle(tokens, start):
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if text == "<":
            depth += 1
        elif text == ">":
            depth -= 1
            if depth == 0:
                return index
        elif text in (";", "{"):
            return None
    return None


def texts(tokens):
    return [token.text for token in tokens]


def is_name(text):
    return re.match(r"[A-Za-z_]\w*$", text) is not None


# --- the statement around a co_await ------------------------------------------------------------------------------

def statement_prefix(tokens, at):
    """(tokens between the statement's begin and tokens[at], the keyword of a bracket around it or None)."""
    index = at - 1
    while index >= 0:
        text = tokens[index].text
        if text in (";", "{"):
            break
        if text == "}":
            break
        if text in (")", "]"):
            depth = 0
            while index >= 0:
                if tokens[index].text in CLOSERS:
                    depth += 1
                elif tokens[index].text in OPENERS:
                    depth -= 1
                    if depth == 0:
                        break
                index -= 1
        elif text in ("(", "["):
            before = tokens[index - 1].text if index else ""
            return [], before if before in ("switch", "if", "while", "for") else "an expression"
        index -= 1
    return tokens[index + 1:at], None


def strip_control(prefix):
    """Drops what may stand before a statement: labels, else, if (…), while (…), for (…)."""
    while prefix:
        first = prefix[0].text
        if first in ("else", "do"):
            prefix = prefix[1:]
        elif first in ("if", "while", "for", "switch"):
            start = 1
            if start < len(prefix) and prefix[start].text == "constexpr":
                start += 1
            if start >= len(prefix) or prefix[start].text != "(":
                return prefix
            prefix = prefix[closing(prefix, start) + 1:]
        elif first in ("case", "default") or (len(prefix) > 1 and prefix[1].text == ":" and is_name(first)):
            colon = next((i for i, token in enumerate(prefix) if token.text == ":"), None)
            if colon is None:
                return prefix
            prefix = prefix[colon + 1:]
        else:
            return prefix
    return prefix


def judge_prefix(prefix):
    prefix = texts(strip_control(prefix))
    if not prefix:
        return None
    if prefix[0] in ("return", "co_return", "co_yield", "throw"):
        return f"co_await inside {prefix[0]}: give the result a name first"
    if prefix[-1] != "=" or prefix.count("=") != 1:
        return "co_await stands alone: to the right of one declaration or assignment, or as a statement"
    for text in prefix[:-1]:
        if text in ("?", "+", "-", "!", "|", "||", "==", "!=", "<=", ">=", "{", "co_await"):
            return "co_await stands alone: to the right of one declaration or assignment, or as a statement"
    return None


# --- what is awaited ----------------------------------------------------------------------------------------------

def judge_awaited(expression, task_functions):
    """Why the tokens after co_await, up to the semicolon, may not be awaited; or None."""
    for index, token in enumerate(expression):
        if token.text == "{":
            return "braces inside a co_await expression: GCC 12 destroys such temporaries twice"
        if token.text == "[" and (index == 0 or not (is_name(expression[index - 1].text)
                                                     or expression[index - 1].text in (")", "]"))):
            return "a lambda inside a co_await expression: GCC 12 destroys it twice"
    index = 1 if expression and expression[0].text == "*" else 0
    called = None
    while index < len(expression):
        if not is_name(expression[index].text):
            return "what is awaited is a named task or one leaf wait such as channel.read(scope)"
        called = None
        name = expression[index].text
        index += 1
        while index < len(expression) and expression[index].text in ("(", "["):
            end = closing(expression, index)
            if expression[index].text == "(":
                called = name
                if end + 1 < len(expression) and end != index + 1:
                    return "only the last call of what is awaited may take arguments: name the object first"
            index = end + 1
        if index == len(expression):
            break
        if expression[index].text not in (".", "->", "::"):
            return "co_await stands alone: name its result before using it"
        index += 1
        if index == len(expression):
            return "what is awaited is a named task or one leaf wait such as channel.read(scope)"
    if called in task_functions:
        return f"{called}() returns a task: name it, then await it (auto {called}_task = {called}(…);)"
    if called == "move":
        return "a task is awaited by its name, without std::move"
    return None


def check_awaits(tokens, task_functions):
    for at, token in enumerate(tokens):
        if token.text != "co_await":
            continue
        if at and tokens[at - 1].text == "operator":
            continue
        prefix, around = statement_prefix(tokens, at)
        if around == "an expression":
            yield token.line, "co_await inside a larger expression: give the result a name first"
            continue
        if around:
            yield token.line, f"co_await in the header of {around}: give the result a name first"
            continue
        sentence = judge_prefix(prefix)
        if sentence:
            yield token.line, sentence
            continue
        end, depth = at + 1, 0
        while end < len(tokens):
            text = tokens[end].text
            if text in OPENERS:
                depth += 1
            elif text in CLOSERS:
                depth -= 1
            if depth < 0 or (depth == 0 and text in (";", ",")):
                break
            end += 1
        if end == len(tokens) or tokens[end].text != ";":
            yield token.line, "co_await inside a larger expression: give the result a name first"
            continue
        sentence = judge_awaited(tokens[at + 1:end], task_functions)
        if sentence:
            yield token.line, sentence


# --- lambdas and parameters ---------------------------------------------------------------------------------------

def lambda_bodies(tokens):
    """Yields (line, first, last) of the body of every lambda."""
    for index, token in enumerate(tokens):
        if token.text != "[":
            continue
        before = tokens[index - 1].text if index else ""
        keyword = before in ("return", "co_return", "co_await", "co_yield", "case")
        if before in (")", "]", "[", "operator") or (is_name(before) and not keyword):
            continue  # a subscript, an attribute, or a structured binding's "auto ["
        after = closing(tokens, index) + 1
        if after < len(tokens) and tokens[after].text == "<":
            angle = closing_angle(tokens, after)
            if angle is None:
                continue
            after = angle + 1
        if after < len(tokens) and tokens[after].text == "(":
            after = closing(tokens, after) + 1
        while after < len(tokens) and tokens[after].text not in ("{", ";", ",", ")", "=", "}"):
            after = closing(tokens, after) + 1 if tokens[after].text in OPENERS else after + 1
        if after < len(tokens) and tokens[after].text == "{":
            yield token.line, after, closing(tokens, after)


def check_lambdas(tokens):
    for line, first, last in lambda_bodies(tokens):
        if any(token.text in ("co_await", "co_return", "co_yield") for token in tokens[first:last]):
            yield line, "a lambda is a coroutine: its captures die before it does; write a function"


def task_declarations(tokens):
    """Yields (name, parameter tokens, line) of every function declared to return a Task."""
    for index, token in enumerate(tokens):
        if token.text != "Task" or index + 1 >= len(tokens) or tokens[index + 1].text != "<":
            continue
        angle = closing_angle(tokens, index + 1)
        if angle is None:
            continue
        at = angle + 1
        while at + 2 < len(tokens) and is_name(tokens[at].text) and tokens[at + 1].text == "::":
            at += 2
        if at + 1 >= len(tokens) or not is_name(tokens[at].text) or tokens[at + 1].text != "(":
            continue
        yield tokens[at].text, tokens[at + 2:closing(tokens, at + 1)], tokens[at].line


def split_parameters(tokens):
    parameter, depth, angle = [], 0, 0
    for token in tokens:
        if token.text in OPENERS:
            depth += 1
        elif token.text in CLOSERS:
            depth -= 1
        elif token.text == "<":
            angle += 1
        elif token.text == ">":
            angle -= 1
        if token.text == "," and depth == 0 and angle == 0:
            yield parameter
            parameter = []
        else:
            parameter.append(token)
    if parameter:
        yield parameter


def judge_parameter(parameter, scalars):
    """The by-value type of a coroutine parameter that is not known to be harmless, or None."""
    outer, angle = [], 0
    for token in parameter:
        if token.text == "=":
            break
        if token.text == "<":
            angle += 1
        elif token.text == ">":
            angle -= 1
        elif angle == 0:
            outer.append(token.text)
    if not outer or outer == ["void"] or "(" in outer or any(text in ("&", "&&", "*") for text in outer):
        return None
    path = [text for text in outer if is_name(text)]
    if len(path) > 1 and "::" in outer and outer[-2] != "::":
        path = path[:-1]  # the parameter's own name
    elif len(path) > 1 and "::" not in outer and path[-2] not in QUALIFIERS:
        path = path[:-1]
    type_name = path[-1]
    if type_name in scalars or type_name in QUALIFIERS:
        return None
    return "::".join(name for name in path if name != "const")


def scalar_names(files):
    """Enumerations of the tree, and aliases of scalars."""
    names = set(SCALARS)
    alias = re.compile(r"\busing\s+(\w+)\s*=\s*([\w:]+)\s*(?:<[^;]*>)?\s*;")
    for text in files.values():
        names.update(re.findall(r"\benum\s+(?:class\s+|struct\s+)?(\w+)", text))
    for _ in range(2):  # an alias of an alias
        for text in files.values():
            for name, target in alias.findall(text):
                if target.split("::")[-1] in names:
                    names.add(name)
    return names


def check_parameters(tokens, scalars):
    for name, parameters, line in task_declarations(tokens):
        for parameter in split_parameters(parameters):
            owned = judge_parameter(parameter, scalars)
            if owned:
                yield line, (f"coroutine {name} takes {owned} by value: take a reference, a view or a scalar, "
                             "and let the caller own it")


def check_files(files):
    """All problems of `files` (name to text), as "file:line: sentence"."""
    tokens_of = {name: tokenise(text) for name, text in files.items()}
    task_functions = {name for tokens in tokens_of.values() for name, _, _ in task_declarations(tokens)}
    scalars = scalar_names({name: blank(text) for name, text in files.items()})
    problems = []
    for name, tokens in sorted(tokens_of.items()):
        found = [*check_awaits(tokens, task_functions), *check_lambdas(tokens), *check_parameters(tokens, scalars)]
        problems += [f"{name}:{line}: {sentence}" for line, sentence in sorted(found)]
    return problems


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    files = {}
    for folder in ("gateway", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES and path.name not in EXEMPT and "node_modules" not in path.parts:
                files[str(path.relative_to(root))] = path.read_text(encoding="utf-8")
    problems = check_files(files)
    for problem in problems:
        print(problem)
    print(f"awaits: {len(problems)} problems" if problems else "awaits: in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
