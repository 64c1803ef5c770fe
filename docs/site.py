"""Pages of the site made when it is built: the README, and one for each package that exports names."""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
OWN = ("cimspice.circuits", "cimspice.cli")
"""Packages that are no interface: a former name, and commands, which ``--help`` documents."""
BESIDE = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""Files of the root that are pages too."""
HEADED = "{show_root_heading: true, show_root_full_path: false, show_root_toc_entry: true}"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for file, page in BESIDE.items():
        text = (ROOT / file).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "CITATION.cff", abs_src_path=str(ROOT / "CITATION.cff")))
    pages = []
    for file in sorted((ROOT / "cimspice").rglob("__init__.py")):
        name = ".".join(file.parent.relative_to(ROOT).parts)
        exports, origins = exported(file)
        if exports and not name.startswith(OWN):
            # a function that bears the name of a module beside it is found by its own address alone
            hidden = [f"{origins[word]}.{word}" for word in exports if hides(file.parent, word, origins)]
            hidden += [f"{name}.{word}" for word in exports if is_module(file.parent, word, origins)]
            sections = [f"::: {name}", *(f"::: {address}\n    options: {HEADED}" for address in hidden)]
            content = "\n\n".join([f"# {name}", *sections, ""])
            files.append(File.generated(config, f"reference/{name}.md", content=content))
            pages.append({name: f"reference/{name}.md"})
    config.nav = [*(config.nav or []), {"Python reference": pages}]
    return files


def exported(file: Path) -> tuple[list[str], dict[str, str]]:
    """Names in a package's ``__all__``, and the module that each imported name comes from."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names, origins = [], {}
    for line in ast.walk(tree):
        if isinstance(line, ast.ImportFrom) and line.module:
            origins |= {alias.name: line.module for alias in line.names}
        elif isinstance(line, ast.Assign) and [ast.unparse(target) for target in line.targets] == ["__all__"]:
            names = ast.literal_eval(line.value)
    return names, origins


def is_module(folder: Path, word: str, origins: dict[str, str]) -> bool:
    return word not in origins and (folder / f"{word}.py").exists()


def hides(folder: Path, word: str, origins: dict[str, str]) -> bool:
    return word in origins and ((folder / f"{word}.py").exists() or (folder / word).is_dir())
