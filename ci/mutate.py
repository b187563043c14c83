"""Breaks the product on purpose, one small change at a time, and lists what no test notices.

    ci/mutate.py [--sample N] [--seed S] [FILE…]       default: src/steps/*.c src/core/plan.c

A mutant is a source file with one comparison turned, one constant or enumerator replaced, one
condition decided, one result replaced, one statement left out. It is compiled alone and linked in
front of the libraries into the unit tests that can see its layer, which run until one of them fails or
crashes, or does not end: four times the work of the original, counted in seconds of the processor so
that a busy machine catches nothing, is `endless` in the table. A mutant that passes them all is compiled with AddressSanitizer and run
again, because a lost cleanup is only seen there; the tests that take long come last. A mutant that
optimizes to the very machine code of the original is no change at all.

What is left must be in mutate.equivalent, as it is printed here, with a line that says why it cannot
be seen from outside. An entry that fits no surviving mutant any more is an error. Everything happens
in a copy of the tree; compilers' warnings are off there, so that a mutant is judged by the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = Path(__file__).resolve().with_suffix(".equivalent")
# Which layers' tests link a file of a layer. Those of the clients see the core too, and are slower.
SEEN_BY = {"core": ("core", "steps", "runtime"), "steps": ("steps", "runtime"),
           "runtime": ("runtime",), "clients": ("clients",)}
NEEDS_SERVER = {"postgres_test", "mysql_test"}
LAST = {"intrusion_test", "torture_test"}  # take long: asked when no other has noticed, and not
                                           # under a sanitizer
OUTCOMES = ("caught", "endless", "no mutant", "justified", "survived")


# --- reading C: tokens, and just enough grammar to tell statements apart --------------------------

TOKEN = re.compile(r"""
    (?P<skip>  //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:\\\n|[^\n])* ) |
    (?P<text>  "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' ) |
    (?P<word>  [A-Za-z_]\w* ) | (?P<number> \d[\w.]* ) |
    (?P<sign>  -> | \+\+ | -- | <<=? | >>=? | [<>=!]= | && | \|\| | [-+*/%&|^]= | \S )
    """, re.VERBOSE | re.DOTALL | re.MULTILINE)

OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
TYPES = {"const", "static", "struct", "enum", "union", "unsigned", "signed", "char", "int", "long",
         "short", "bool", "void", "double", "float", "AUTO"}


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def tokens_of(source: str) -> list[Token]:
    return [Token(str(match.lastgroup), match.group(), match.start(), match.end())
            for match in TOKEN.finditer(source) if match.lastgroup != "skip"]


class Change(NamedTuple):
    """Replace source[start:end]."""
    start: int
    end: int
    text: str


class Function(NamedTuple):
    name: str
    returns: str
    body: tuple[int, int]  # the tokens between its braces


class Reader:
    """Finds every change to make in one file."""

    TURNED = {"==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="],
              ">=": [">", "<"], "&&": ["||"], "||": ["&&"]}

    def __init__(self, source: str, families: list[list[str]]) -> None:
        self.source = source
        self.tokens = tokens_of(source)
        self.partner = self._match_brackets()
        self.sibling = {name: family[(i + 1) % len(family)]
                        for family in families for i, name in enumerate(family) if len(family) > 1}
        self.changes: list[Change] = []
        self.fixed: set[int] = set()  # tokens that are not values: array sizes, for's own counting

    def _match_brackets(self) -> dict[int, int]:
        partner, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind == "sign" and token.text in OPEN:
                stack.append(i)
            elif token.kind == "sign" and token.text in CLOSE:
                opened = stack.pop()
                partner[opened], partner[i] = i, opened
        return partner

    def functions(self) -> Iterator[Function]:
        """Every braced body at the top: functions, and tables (which return nothing)."""
        i = begin = 0
        while i < len(self.tokens):
            text = self.tokens[i].text
            if text == "{":
                head = self.tokens[begin:i]
                called = [n for n in range(1, len(head)) if head[n].text == "("]
                if head and head[-1].text == ")":
                    name = head[called[0] - 1].text
                    returns = " ".join(t.text for t in head[:called[0] - 1] if t.text != "static")
                    yield Function(name, returns, (i + 1, self.partner[i]))
                elif head and head[-1].text == "=":
                    yield Function(head[0].text, "", (i + 1, self.partner[i]))
                i = self.partner[i]
                begin = i + 1
            elif text == ";":
                begin = i + 1
            i += 1

    def read(self) -> Iterator[tuple[Function, Change]]:
        for function in self.functions():
            self.changes = []
            if function.returns:
                at = function.body[0]
                while at < function.body[1]:
                    at = self._statement(at, function)
            self._values(*function.body)
            seen = set()
            for change in self.changes:
                if change not in seen and self.source[change.start:change.end] != change.text:
                    seen.add(change)
                    yield function, change

    def _text(self, first: int, last: int) -> str:
        return self.source[self.tokens[first].start:self.tokens[last].end]

    def _replace(self, first: int, last: int, text: str) -> None:
        self.changes.append(Change(self.tokens[first].start, self.tokens[last].end, text))

    # Each takes the first token of something and returns the one behind it.

    def _statement(self, at: int, function: Function) -> int:
        text = self.tokens[at].text
        if text == "{":
            end, at = self.partner[at], at + 1
            while at < end:
                at = self._statement(at, function)
            return end + 1
        if text in ("if", "while", "switch", "for"):
            close = self.partner[at + 1]
            if text in ("if", "while"):
                for decided in ("1", "0") if text == "if" else ("0",):
                    self._replace(at + 2, close - 1, decided)
            if text == "for":
                self._for_header(at + 1, close)
            at = self._statement(close + 1, function)
            if text == "if" and self.tokens[at].text == "else":
                at = self._statement(at + 1, function)
            return at
        if text in ("case", "default"):
            while self.tokens[at].text != ":":
                at += 1
            return at + 1
        return self._simple(at, function)

    def _for_header(self, at: int, close: int) -> None:
        parts = [i for i in range(at, close) if self.tokens[i].text == ";"]
        self.fixed.update(range(parts[1], close))
        if self._declares(at + 1):
            self._declaration(at + 1, parts[0])

    def _end(self, at: int) -> int:
        while self.tokens[at].text != ";":
            at = self.partner[at] + 1 if self.tokens[at].text in OPEN else at + 1
        return at

    def _declares(self, at: int) -> bool:
        word, following = self.tokens[at], self.tokens[at + 1]
        return word.text in TYPES or (word.kind == "word" and following.kind == "word")

    def _declaration(self, at: int, end: int) -> None:
        """What stands before a `=` or in an array's size is no value, nor is `{0}`."""
        value = False
        while at < end:
            text = self.tokens[at].text
            if text == "=":
                value = True
            elif text == ",":
                value = False
            if not value or self._text(at, at + 2) == "{0}":
                inside = self.partner[at] + 1 if text in OPEN else at + 1
                self.fixed.update(range(at, inside))
                at = inside
            else:
                at = self.partner[at] + 1 if text in OPEN else at + 1

    def _simple(self, at: int, function: Function) -> int:
        end = self._end(at)
        text = self.tokens[at].text
        if text == "return":
            self._return(at, end, function)
        elif text in ("break", "continue"):
            self._replace(at, end, ";")
        elif text == "else" or text == ";":
            pass
        elif self._declares(at):
            self._declaration(at, end)
        else:
            self._replace(at, end, ";")
            if text in ("TRY", "TRY_WHILE"):  # done, but whether it failed is not asked
                self._replace(at, end, f"(void)({self._first_argument(at + 1)});")
        return end + 1

    def _first_argument(self, at: int) -> str:
        last = at + 1
        while self.tokens[last].text not in (",", ")"):
            last = self.partner[last] + 1 if self.tokens[last].text in OPEN else last + 1
        return self._text(at + 1, last - 1)

    def _return(self, at: int, end: int, function: Function) -> None:
        value = self._text(at + 1, end - 1) if end > at + 1 else ""
        if function.returns == "void" or value == "":
            self._replace(at, end, ";")
        elif "struct status" == function.returns:
            self._replace(at, end, "return OK;" if value != "OK"
                          else 'return failure(STATUS_INTERNAL, "mutant");')
        elif function.returns == "bool":
            self._replace(at, end, f"return !({value});")
        elif "*" in function.returns and value != "NULL":
            self._replace(at, end, "return NULL;")

    def _values(self, first: int, last: int) -> None:
        for at in range(first, last):
            token = self.tokens[at]
            if at in self.fixed:
                continue
            if token.kind == "number":
                self._replace(at, at, self._other_number(token.text))
            elif token.text in ("true", "false"):
                self._replace(at, at, "false" if token.text == "true" else "true")
            elif token.text in self.sibling:
                self._replace(at, at, self.sibling[token.text])
            elif token.kind == "sign":
                self._sign(at)

    @staticmethod
    def _other_number(text: str) -> str:
        return {"0": "1", "1": "0"}.get(text) or f"({text} + 1)"

    def _sign(self, at: int) -> None:
        text = self.tokens[at].text
        between = self.source[self.tokens[at].start - 1:self.tokens[at].end + 1]
        for turned in self.TURNED.get(text, []):
            self._replace(at, at, turned)
        if text in ("+", "-", "*", "/", "%") and between == f" {text} ":  # not a sign or a pointer
            self._replace(at, at, {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/"}[text])
        elif text in ("+=", "-="):
            self._replace(at, at, "-=" if text == "+=" else "+=")
        elif text in ("!", "++", "--"):
            self._replace(at, at, "")
        elif text == "?":
            first = at
            while self.tokens[first - 1].text not in (
                    "=", "return", "(", ",", "[", "{", ";", ":", "?"):
                first = self.partner[first - 1] if self.tokens[first - 1].text in CLOSE else first - 1
            self._replace(first, at, f"!({self._text(first, at - 1)}) ?")


def enumerations(folder: Path) -> list[list[str]]:
    """Every enumeration of the product, without the enumerator that counts the others."""
    found = []
    for path in sorted(folder.rglob("*.[ch]")):
        tokens = tokens_of(path.read_text())
        for i, token in enumerate(tokens):
            if token.text == "enum" and "{" in (tokens[i + 1].text, tokens[i + 2].text):
                end = next(n for n in range(i, len(tokens)) if tokens[n].text == "}")
                names = [t.text for n, t in enumerate(tokens[i:end], i)
                         if t.kind == "word" and tokens[n - 1].text in ("{", ",")]
                found.append([name for name in names if not name.endswith("_COUNT")])
    return found


# --- mutants ---------------------------------------------------------------------------------------

class Key(NamedTuple):
    """Names a mutant for as long as its code stays: its place, what stood there, what stands there."""
    place: str  # file:function
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.place}\n- {self.before}\n+ {self.after}"


@dataclass
class Mutant:
    path: str  # inside the tree
    line: int
    text: str = field(repr=False)  # the whole file
    key: Key = field(repr=False)
    outcome: str = ""


def mutants_of(tree: Path, path: str, families: list[list[str]]) -> Iterator[Mutant]:
    source = (tree / path).read_text()
    for function, (start, end, text) in Reader(source, families).read():
        changed = source[:start] + text + source[end:]
        begin = source.rindex("\n", 0, start) + 1
        stop = source.index("\n", end)
        before = " ".join(source[begin:stop].split())
        after = " ".join(changed[begin:stop + len(text) - (end - start)].split())
        yield Mutant(path, source.count("\n", 0, start) + 1, changed,
                     Key(f"{path}:{function.name}", before, after))


def read_equivalent() -> dict[Key, str]:
    """Blocks of four lines and more: the three of a Key, then the reason."""
    reasons: dict[Key, str] = {}
    text = "\n".join(line for line in EQUIVALENT.read_text().splitlines()
                     if not line.startswith("#")) if EQUIVALENT.exists() else ""
    for block in filter(None, (block.strip() for block in text.split("\n\n"))):
        place, before, after, *reason = block.splitlines()
        if not (before.startswith("- ") and after.startswith("+ ") and reason):
            sys.exit(f"mutate: {EQUIVALENT.name}: not a place, '- before', '+ after', a reason:\n{block}")
        reasons[Key(place, before[2:], after[2:])] = " ".join(reason)
    return reasons


# --- building and running --------------------------------------------------------------------------

def worked_so_far() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(argv: list[str], cwd: Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, **options)


def checked(argv: list[str], cwd: Path) -> str:
    done = run(argv, cwd)
    if done.returncode != 0:
        sys.exit(f"mutate: {shlex.join(argv)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def copy_tree(target: Path) -> None:
    """The tree as it is, uncommitted changes too. What is the same keeps its time: ninja reads it."""
    listed = checked(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                     ROOT).split("\0")
    names = {name for name in listed if name and (ROOT / name).is_file()}
    for old in [path for path in target.rglob("*") if path.is_file()]:
        if str(old.relative_to(target)) not in names:
            old.unlink()
    for name in names:
        new, text = target / name, (ROOT / name).read_bytes()
        if not new.exists() or new.read_bytes() != text:
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(text)


class Build:
    """A build of the copied tree, into whose test programs a mutant can be linked."""

    def __init__(self, tree: Path, folder: Path, programs: list[str], *options: str) -> None:
        self.tree, self.folder = tree, folder
        checked(["cmake", "-S", str(tree), "-B", str(folder), "-G", "Ninja",
                 "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-w", *options], tree)
        checked(["ninja", "-C", str(folder), *(f"tests/{name}" for name in programs)], tree)
        self.compiling = {
            os.path.relpath(entry["file"], tree): self._without_output(entry["command"])
            for entry in json.loads((folder / "compile_commands.json").read_text())}
        self.linking = {}
        for name in programs:
            link = checked(["ninja", "-C", str(folder), "-t", "commands", f"tests/{name}"], tree)
            self.linking[name] = self._without_output(link.splitlines()[-1].removeprefix(": && ")
                                                      .removesuffix(" && :"))
        self.seconds: dict[str, float] = {}
        self.work: dict[str, float] = {}  # the same in seconds of the processor

    @staticmethod
    def _without_output(command: str) -> list[str]:
        argv = shlex.split(command)
        at = argv.index("-o")
        return argv[:at] + argv[at + 2:]

    def compile(self, path: str, text: str, output: Path, *options: str) -> bool:
        argv = self.compiling[path]
        at = argv.index("-c")
        return run([*argv[:at], *options, "-c", "-x", "c", "-", "-o", str(output)], self.folder,
                   input=text).returncode == 0

    def measure(self, name: str, scratch: Path) -> bool:
        """Does it pass as it is, and how much work is that?"""
        begun, worked = time.monotonic(), worked_so_far()
        passed = self.try_on(name, None, scratch) is None
        self.work[name] = worked_so_far() - worked
        self.seconds[name] = time.monotonic() - begun
        return passed

    def try_on(self, name: str, mutant: Path | None, scratch: Path) -> str | None:
        """What this test program makes of it, with the mutant's object in the library's place: an
        outcome, or None when it passes."""
        program = self.folder / "tests" / name
        if mutant is not None:
            program = scratch / name
            compiler, *rest = self.linking[name]
            checked([compiler, str(mutant), *rest, "-o", str(program)], self.folder)
        work = int(max(10, 4 * self.work.get(name, 150)))
        try:
            done = subprocess.run(["prlimit", f"--cpu={work}:{work + 5}", str(program)],
                                  cwd=self.tree, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  check=False, timeout=max(60.0, 20 * self.seconds.get(name, 60)))
        except subprocess.TimeoutExpired:  # it waits for something
            return "endless"
        finally:
            program.unlink() if mutant is not None else None
        if done.returncode == -signal.SIGXCPU:
            return "endless"
        return "caught" if done.returncode != 0 else None


class Judge:
    def __init__(self, tree: Path, folder: Path, programs: dict[str, list[str]]) -> None:
        every = sorted({name for names in programs.values() for name in names})
        self.programs = programs
        self.noticed: Counter[str] = Counter()  # how many mutants each test program has caught
        self.plain = Build(tree, folder / "plain", every)
        self.sanitized = Build(tree, folder / "sanitized", every, "-DTANDEM_SANITIZE=ON")
        with tempfile.TemporaryDirectory() as scratch:
            for build in (self.plain, self.sanitized):
                for name in every:
                    if name not in LAST and not build.measure(name, Path(scratch)):
                        sys.exit(f"mutate: {name} fails without any mutant: mend that first")

    def order(self, path: str) -> list[str]:
        """The tests named after the file first, then who noticed most, then the quickest."""
        stem = Path(path).stem
        return sorted(self.programs[path.split("/")[1]],
                      key=lambda name: (not name.startswith(stem), -self.noticed[name],
                                        self.plain.work.get(name, 0)))

    def outcome(self, mutant: Mutant, justified: bool) -> str:
        with tempfile.TemporaryDirectory(prefix="tandem-mutant-") as folder:
            scratch = Path(folder)
            broken = scratch / "mutant.o"
            if not self.plain.compile(mutant.path, mutant.text, broken):
                return "no mutant"
            programs = self.order(mutant.path)
            quick = [name for name in programs if name not in LAST]
            if noticed := self._try(self.plain, broken, quick, scratch):
                return noticed
            if self._same_code(mutant, scratch):
                return "no mutant"
            self.sanitized.compile(mutant.path, mutant.text, scratch / "sanitized.o")
            if noticed := self._try(self.sanitized, scratch / "sanitized.o", quick, scratch):
                return noticed
            last = [name for name in programs if name in LAST and not justified]
            return self._try(self.plain, broken, last, scratch) or "survived"

    def _try(self, build: Build, broken: Path, names: list[str], scratch: Path) -> str | None:
        for name in names:
            if noticed := build.try_on(name, broken, scratch):
                self.noticed[name] += 1
                return noticed
        return None

    def _same_code(self, mutant: Mutant, scratch: Path) -> bool:
        original = (self.plain.tree / mutant.path).read_text()
        objects = []
        for text in (original, mutant.text):
            output = scratch / "optimized.o"
            self.plain.compile(mutant.path, text, output, "-O2", "-g0")
            objects.append(output.read_bytes())
        return objects[0] == objects[1]


def programs_of(tree: Path, paths: list[str]) -> dict[str, list[str]]:
    """For each layer that is mutated, the test programs that link it."""
    layers = {path.split("/")[1] for path in paths}
    if unknown := layers - SEEN_BY.keys():
        sys.exit(f"mutate: no unit tests see {', '.join(sorted(unknown))}")
    return {layer: [test.stem for seen in SEEN_BY[layer]
                    for test in sorted((tree / "tests" / seen).glob("*_test.c"))
                    if test.stem not in NEEDS_SERVER] for layer in layers}


# --- the run ---------------------------------------------------------------------------------------

def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="N", help="only so many, drawn at random")
    parser.add_argument("--seed", default="1", help="of the sample; default 1")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build-mutate")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    parser.add_argument("--list", action="store_true", help="print the mutants, run nothing")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # for the mutants: they crash a lot
    begun = time.monotonic()
    folder = options.build_dir.resolve()
    tree = folder / "source"
    copy_tree(tree)
    paths = [os.path.relpath(Path(name).resolve(), ROOT) for name in options.files] or [
        *(f"src/steps/{path.name}" for path in sorted((tree / "src/steps").glob("*.c"))),
        "src/core/plan.c"]
    if missing := [path for path in paths if not (tree / path).is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    families = enumerations(tree / "src")
    mutants = [mutant for path in paths for mutant in mutants_of(tree, path, families)]
    if options.list:
        print("\n\n".join(f"{mutant.path}:{mutant.line}\n{mutant.key}" for mutant in mutants))
        return 0

    reasons = {key: reason for key, reason in read_equivalent().items()
               if key.place.split(":")[0] in paths}
    stale = reasons.keys() - {mutant.key for mutant in mutants}
    total = len(mutants)
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, total))
        print(f"mutate: {len(mutants)} of {total} mutants, seed {options.seed}")
    judge = Judge(tree, folder, programs_of(tree, paths))

    def judged(mutant: Mutant) -> Mutant:
        mutant.outcome = judge.outcome(mutant, mutant.key in reasons)
        if mutant.outcome == "survived" and mutant.key in reasons:
            mutant.outcome = "justified"
        return mutant

    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant in pool.map(judged, mutants):
            if mutant.outcome == "survived":
                print(f"\nsurvived: line {mutant.line}\n{mutant.key}", flush=True)

    stale |= reasons.keys() & ({mutant.key for mutant in mutants
                                if mutant.outcome in ("caught", "endless")}
                               - {mutant.key for mutant in mutants if mutant.outcome == "justified"})
    for key in sorted(stale):
        print(f"\nstale in {EQUIVALENT.name}: no such mutant, or a test catches it\n{key}")
    return report(mutants, len(stale), time.monotonic() - begun)


def report(mutants: list[Mutant], stale: int, seconds: float) -> int:
    print(f"\n{'file':30}{'mutants':>10}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES))
    for path in [*dict.fromkeys(mutant.path for mutant in mutants), ""]:
        counted = Counter(mutant.outcome for mutant in mutants if path in ("", mutant.path))
        print(f"{path or 'all':30}{counted.total():>10}"
              + "".join(f"{counted[outcome]:>11}" for outcome in OUTCOMES))
    failed = sum(mutant.outcome == "survived" for mutant in mutants) + stale
    print(f"({seconds:.0f} s; 'no mutant' does not compile, or is the same code)")
    passed = sum(mutant.outcome in ("caught", "endless", "justified") for mutant in mutants)
    print(f"mutate: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
