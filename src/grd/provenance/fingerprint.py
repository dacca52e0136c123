"""Fingerprints of code: the text of all that a script reaches in this package, without comments, docstrings and layout.

Definitions are followed by name, from those that the script uses: a function, class or variable of a module counts with all
that its own text names. Names that are looked up at run time are followed as far as they are chosen:

    import_module(f"grd.networks.{…}")    the chosen modules below grd.networks, whole
    NAME = {"key": …, …}                  of a dictionary with a chosen key, the entries with chosen keys

so that an edited method concerns its own students alone. Modules ASIDE are not followed, nor is the code of other packages:
their versions are in every passport.
"""

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from grd.errors import GrdError
from grd.system.digests import digest_of, sha256
from grd.system.files import newest_time

ASIDE = (
    *("grd.errors", "grd.jobs", "grd.provenance"),
    *(f"grd.system.{name}" for name in ("digests", "files", "gpu_turns", "hardware", "locks", "logs")),
)
"""Modules and packages that cannot change a result. (`grd.system.devices`, where precision is decided, can.)"""
PACKAGE = "grd"


class EditedError(GrdError):
    """A script, or what it reaches, is not what it was when the workflow was planned."""

    def __init__(self, script: str) -> None:
        super().__init__(f"{script}: expected the code that this call was planned with, found it edited since; call again")


@dataclass(frozen=True)
class Module:
    """A parsed file: its definitions by name, what it imports by local name, and statements that act when it is imported."""

    name: str
    path: Path
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    actions: list[ast.stmt] = field(default_factory=list)

    @property
    def statements(self) -> list[ast.stmt]:
        """All but imports."""
        return [*self.actions, *(statement for group in self.definitions.values() for statement in group)]

    @classmethod
    def parse(cls, name: str, path: Path) -> "Module":
        """Read a file."""
        module = cls(name, path)
        for statement in _without_docstrings(ast.parse(path.read_text(encoding="utf-8"))).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module.imports.update(_import_bindings(statement))
            elif names := list(_bound_names(statement)):
                for bound in names:
                    module.definitions.setdefault(bound, []).append(statement)
            elif not _for_types_alone(statement):
                module.actions.append(statement)
        return module


@dataclass(frozen=True)
class Piece:
    """The text of a definition, what it names (`module:name`), and the packages below which it looks modules up by name.

    `entries` are the pieces of a dictionary by key.
    """

    text: str = ""
    names: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    entries: "dict[str, Piece]" = field(default_factory=dict)

    def select(self, names: Collection[str]) -> "list[Piece]":
        """The piece itself, or of a dictionary that has some of these names the entries with them."""
        return [piece for key, piece in self.entries.items() if key in names] or [self]


class Code:
    """The code of this package, and of scripts that use it."""

    def __init__(self, package: Path | None = None) -> None:
        self.package = package or Path(__file__).parents[1]
        self._fingerprints: dict[tuple[Path, frozenset[str]], str] = {}
        self._modules: dict[str, Module | None] = {}
        self._pieces: dict[str, Piece | None] = {}
        self._scripts: dict[Path, Piece] = {}

    def fingerprint(self, script: Path, chosen: Iterable[object] = ()) -> str:
        """Hexadecimal digest of what a script reaches; `chosen` are the names that it will look up."""
        key = (script, frozenset(map(str, chosen)))
        if key not in self._fingerprints:
            self._fingerprints[key] = digest_of(self.reachable(*key))
        return self._fingerprints[key]

    def describe(self, script: Path, chosen: Iterable[object] = ()) -> str:
        """The fingerprint, its script and the chosen names: `0123456789abcdef train.py resunet none`."""
        return " ".join([self.fingerprint(script, chosen), script.name, *map(str, chosen)])

    def check_unchanged(self, planned: Iterable[str], scripts: Path, since: float) -> None:
        """GrdError if code with these descriptions was edited after a time in seconds: the job would not do what was planned."""
        if all(newest_time(path) <= since for path in (*self.package.rglob("*.py"), *scripts.glob("*.py"))):
            return
        for described in planned:
            digest, script, *chosen = described.split(" ")
            if self.fingerprint(scripts / script, chosen) != digest:
                raise EditedError(script)

    def reachable(self, script: Path, chosen: Collection[str] = ()) -> dict[str, str]:
        """The text of every definition that a script reaches, by `module:name`."""
        if script not in self._scripts:
            main = Module.parse("", script)
            self._scripts[script] = self._read_piece(main, main.statements)
        found: dict[str, str] = {}
        waiting = {"": self._scripts[script]}
        while waiting:
            target, piece = waiting.popitem()
            pieces = piece.select(chosen)
            found[target] = "\n".join(each.text for each in pieces)
            names = {name for each in pieces for name in (*each.names, *self._looked_up(each, chosen))}
            waiting |= {name: reached for name in names - found.keys() if (reached := self._piece(name)) is not None}
        return found

    def module(self, name: str) -> Module | None:
        """A module of the package by its dotted name; None if there is none."""
        if name not in self._modules:
            self._modules[name] = self._read_module(name)
        return self._modules[name]

    def _read_module(self, name: str) -> Module | None:
        first, *rest = name.split(".")
        if first != PACKAGE or any(f"{name}.".startswith(f"{aside}.") for aside in ASIDE):
            return None
        path = self.package.joinpath(*rest)
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return Module.parse(name, file)
        return None

    def _piece(self, target: str) -> Piece | None:
        """The piece `module:name`, None outside the package; without a name, the statements that act on import."""
        if target not in self._pieces:
            name, _, attribute = target.partition(":")
            module = self.module(name)
            self._pieces[target] = None if module is None else self._definition(module, attribute)
        return self._pieces[target]

    def _definition(self, module: Module, name: str) -> Piece:
        statements = module.definitions[name] if name else module.actions
        entries = {key: self._read_piece(module, [entry]) for key, entry in _entries(statements)}
        return replace(self._read_piece(module, statements), entries=entries)

    def _read_piece(self, module: Module, statements: Iterable[ast.stmt]) -> Piece:
        texts: list[str] = []
        names: set[str] = set()
        packages: set[str] = set()
        for statement in statements:
            nodes = list(ast.walk(statement))
            texts += [ast.unparse(statement), *_files_beside(module, nodes)]
            names.update(self._names_in(module, nodes))
            packages.update(filter(None, map(_package_looked_in, nodes)))
        return Piece("\n".join(texts), frozenset(names), frozenset(packages))

    def _names_in(self, module: Module, nodes: Iterable[ast.AST]) -> Iterator[str]:
        """The names in a statement, and the modules that it makes act."""
        inner: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                inner |= _import_bindings(node)
        scope = module.imports | inner
        for target in inner.values():
            yield from self._targets(target)
        for node in nodes:
            first, *rest = _dotted_name(node).split(".")
            if first in module.definitions:
                yield f"{module.name}:{first}"
            elif first in scope:
                yield from self._targets(".".join([scope[first], *rest]))

    def _targets(self, dotted: str) -> Iterator[str]:
        """A dotted name as `module:name` with the module's actions, through packages that only pass a name on."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = self.module(".".join(parts[:length]))
            if module is None:
                continue
            yield f"{module.name}:"
            if length == len(parts):
                return
            if parts[length] in module.definitions:
                yield f"{module.name}:{parts[length]}"
            elif parts[length] in module.imports:
                yield from self._targets(".".join([module.imports[parts[length]], *parts[length + 1 :]]))
            return

    def _looked_up(self, piece: Piece, chosen: Collection[str]) -> Iterator[str]:
        """Everything in the chosen modules below the packages in which a piece looks modules up."""
        for package in piece.packages:
            for module in (self.module(f"{package}{name}") for name in chosen):
                if module is not None:
                    yield f"{module.name}:"
                    yield from (f"{module.name}:{name}" for name in module.definitions)


def _import_bindings(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Dotted names that an import binds, by local name; imports are absolute here."""
    if isinstance(statement, ast.Import):
        first = {alias.name: alias.name.partition(".")[0] for alias in statement.names}
        return {alias.asname or first[alias.name]: alias.name if alias.asname else first[alias.name] for alias in statement.names}
    return {alias.asname or alias.name: f"{statement.module}.{alias.name}" for alias in statement.names}


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            yield name


def _for_types_alone(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and _dotted_name(statement.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _dotted_name(node: ast.AST) -> str:
    """`a.b.c` of such an expression; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _package_looked_in(node: ast.AST) -> str:
    """`grd.networks.` of `import_module(f"grd.networks.{name}")`; empty for anything else."""
    if isinstance(node, ast.Call) and _dotted_name(node.func) == "import_module" and isinstance(node.args[0], ast.JoinedStr):
        start = node.args[0].values[0]
        return str(start.value) if isinstance(start, ast.Constant) else ""
    return ""


def _entries(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The entries of a dictionary with constant keys, if these statements are its one definition, each as a statement."""
    match statements:
        case [ast.Assign(value=ast.Dict(keys, values)) | ast.AnnAssign(value=ast.Dict(keys, values))]:
            if all(isinstance(key, ast.Constant) for key in keys):
                yield from ((str(key.value), ast.Expr(entry)) for key, entry in zip(keys, values, strict=True))  # type: ignore[union-attr]


def _files_beside(module: Module, nodes: Iterable[ast.AST]) -> list[str]:
    """Digests of files that a text names and that lie beside the module, like a page's template."""
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = (module.path.parent / text for text in sorted(texts) if re.fullmatch(r"[\w-]+\.\w+", text))
    return [sha256(file) for file in files if file.is_file()]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The same tree without strings that stand by themselves."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_text(statement)] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
