"""The fingerprint of code: what of this package a script reaches, without comments, docstrings and layout.

Definitions are followed by name, from those that the script uses: a function, class or variable of a module counts with all
that its own text names. What is looked up by name at run time is followed as far as it is chosen:

    import_module(f"grd.networks.{…}")   the chosen modules below grd.networks, whole
    the entries of REGISTRIES            those with a chosen key

so that an edited method concerns its own students alone. Code that other packages hold is not followed: their versions are in
every passport.
"""

import ast
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REGISTRIES = {
    "grd.data.readers:READERS",
    "grd.data.twins:TWINS",
    "grd.inference.predict:PREDICTORS",
    "grd.metrics.split:SCORES",
    "grd.networks:NETWORKS",
    "grd.reporting.figures:FIGURES",
    "grd.reporting.tables:TABLES",
    "grd.segmentation.split:CHOSEN",
    "grd.segmentation:SEGMENTERS",
}
PACKAGE = "grd"
DIGITS = 16


@dataclass(frozen=True)
class Module:
    """A parsed file: its definitions by name, what it imports by local name, and statements that act when it is imported."""

    name: str
    path: Path
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    actions: list[ast.stmt] = field(default_factory=list)

    @classmethod
    def parsed(cls, name: str, path: Path) -> "Module":
        """Read a file."""
        module = cls(name, path)
        for statement in _without_docstrings(ast.parse(path.read_text())).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module.imports.update(imported(statement))
            elif names := list(_bound(statement)):
                for bound in names:
                    module.definitions.setdefault(bound, []).append(statement)
            elif not _for_types_alone(statement):
                module.actions.append(statement)
        return module


class Code:
    """The code of this package, and of scripts that use it."""

    def __init__(self, package: Path | None = None) -> None:
        self.package = package or Path(__file__).parent
        self._fingerprints: dict[tuple[Path, frozenset[str]], str] = {}
        self._modules: dict[str, Module | None] = {}

    def fingerprint(self, script: Path, chosen: Iterable[object] = ()) -> str:
        """Hexadecimal digest of what a script reaches; `chosen` are the names that it will look up."""
        key = (script, frozenset(map(str, chosen)))
        if key not in self._fingerprints:
            text = "\n".join(f"{name}\n{content}" for name, content in sorted(self.reached(*key).items()))
            self._fingerprints[key] = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
        return self._fingerprints[key]

    def reached(self, script: Path, chosen: Collection[str] = ()) -> dict[str, str]:
        """The text of every definition that a script reaches, by `module:name`."""
        main = Module.parsed("__main__", script)
        found = {"__main__": "\n".join(map(ast.unparse, main.actions))}
        for names in main.definitions.values():
            found["__main__"] += "".join(f"\n{ast.unparse(statement)}" for statement in names)
        waiting = [target for statement in _statements(main) for target in self._named(main, statement, chosen)]
        while waiting:
            target = waiting.pop()
            if target in found or (place := self._place(target)) is None:
                continue
            texts = []
            for statement in self._meant(*place, chosen):
                texts.append(ast.unparse(statement))
                texts += _files_beside(place[0], statement)
                waiting += self._named(place[0], statement, chosen)
            found[target] = "\n".join(texts)
        return found

    def module(self, name: str) -> Module | None:
        """A module of the package by its dotted name; None if there is none."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        first, *rest = name.split(".")
        if first != PACKAGE:
            return None
        path = self.package.joinpath(*rest)
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return Module.parsed(name, file)
        return None

    def _place(self, target: str) -> tuple[Module, str] | None:
        """Where `module:name` is defined; the name is empty for a module's actions. None outside of the package."""
        name, _, attribute = target.partition(":")
        module = self.module(name)
        if module is None or not attribute or attribute in module.definitions:
            return None if module is None else (module, attribute)
        return None

    def _meant(self, module: Module, name: str, chosen: Collection[str]) -> list[ast.stmt]:
        """The statements behind a name; of a registry, one with the chosen entries alone."""
        if not name:
            return module.actions
        statements = module.definitions[name]
        if f"{module.name}:{name}" in REGISTRIES:
            return [entry for statement in statements for entry in _entries(statement, chosen)]
        return statements

    def _named(self, module: Module, statement: ast.stmt, chosen: Collection[str]) -> Iterator[str]:
        """What a statement names, as `module:name`, and the modules that it makes act."""
        inner = {
            name: target
            for node in ast.walk(statement)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name, target in imported(node).items()
        }
        scope = module.imports | inner
        for target in inner.values():
            yield from self._resolved(target)
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
                first, *rest = dotted.split(".")
                if first in module.definitions:
                    yield f"{module.name}:{first}"
                elif first in scope:
                    yield from self._resolved(".".join([scope[first], *rest]))
            elif isinstance(node, ast.Call):
                yield from self._looked_up(node, chosen)

    def _resolved(self, dotted: str) -> Iterator[str]:
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
                yield from self._resolved(".".join([module.imports[parts[length]], *parts[length + 1 :]]))
            return

    def _looked_up(self, call: ast.Call, chosen: Collection[str]) -> Iterator[str]:
        """All of the chosen modules that `import_module(f"grd.….{name}")` may import."""
        if _dotted(call.func) != "import_module" or not isinstance(call.args[0], ast.JoinedStr):
            return
        start = call.args[0].values[0]
        prefix = str(start.value) if isinstance(start, ast.Constant) else ""
        for module in (self.module(f"{prefix}{name}") for name in sorted(chosen)):
            if module is not None:
                yield f"{module.name}:"
                yield from (f"{module.name}:{name}" for name in module.definitions)


def imported(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Dotted names that an import binds, by local name; imports are absolute here."""
    if isinstance(statement, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: (alias.asname and alias.name) or alias.name.partition(".")[0]
            for alias in statement.names
        }
    return {alias.asname or alias.name: f"{statement.module}.{alias.name}" for alias in statement.names}


def _statements(module: Module) -> list[ast.stmt]:
    return [*module.actions, *(statement for group in module.definitions.values() for statement in group)]


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            yield name


def _for_types_alone(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and _dotted(statement.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _entries(statement: ast.stmt, chosen: Collection[str]) -> Iterator[ast.stmt]:
    """The chosen entries of a dictionary that is assigned, each as a statement."""
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if not isinstance(value, ast.Dict):
        yield statement
        return
    for key, entry in zip(value.keys, value.values, strict=True):
        if not isinstance(key, ast.Constant) or str(key.value) in chosen:
            yield ast.Expr(ast.Dict([key], [entry]))


def _files_beside(module: Module, statement: ast.stmt) -> list[str]:
    """Digests of files that the text names and that lie beside the module, like a page's template."""
    texts = {node.value for node in ast.walk(statement) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = (module.path.parent / text for text in sorted(texts) if re.fullmatch(r"[\w-]+\.\w+", text))
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


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
