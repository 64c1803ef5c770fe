"""``make setup`` says what to install where it cannot install it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")
TOOLS = ("sh", "sed", "head", "tail", "id", "touch", "rm", "env", "grep", "cat")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")


@pytest.fixture
def bare(tmp_path):
    """The set-up on a machine with a handful of tools: a function that runs make there."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)

    def make(*targets: str) -> subprocess.CompletedProcess:
        # run by `make test`, a make of its own all the same: no "Entering directory", no flags handed down
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        environment = {**own, "PATH": str(tools)}
        command = [str(MAKE), "SYSTEM_PYTHON=", *targets]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )

    make.folder = tmp_path
    return make


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # it may be a link to the machine's own program
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def test_without_python_the_message_names_it(bare):
    done = bare("setup")
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "brew install python" in done.stderr
    assert not (bare.folder / ".venv" / ".installed").exists()


def test_without_apt_the_message_names_packages_and_places(bare):
    script(bare.folder / ".venv/bin/python", "echo 'at: looked for libngspice in /usr/lib' >&2; exit 1\n")
    (bare.folder / ".venv/.installed").touch()
    done = bare("engine")
    assert done.returncode != 0
    for words in (
        "apt-get install ngspice libngspice0",
        "brew install ngspice libngspice",
        "looked for libngspice in",
    ):
        assert words in done.stderr


def test_with_apt_and_without_root_or_sudo_the_command_is_reported(bare):
    script(bare.folder / ".venv/bin/python", "exit 1\n")
    script(bare.folder / "tools/apt-get", "echo called > apt-was-called\n")
    script(bare.folder / "tools/id", "echo 1000\n")
    (bare.folder / ".venv/.installed").touch()
    done = bare("engine")
    assert done.returncode != 0
    assert "as root run: apt-get install ngspice libngspice0" in done.stderr
    assert not (bare.folder / "apt-was-called").exists()


def test_root_installs_the_engine_with_apt(bare):
    script(bare.folder / ".venv/bin/python", "test -f engine-is-here\n")
    script(
        bare.folder / "tools/apt-get",
        'case "$*" in *install*ngspice*libngspice0*) : > engine-is-here;; esac\n',
    )
    script(bare.folder / "tools/id", "echo 0\n")
    (bare.folder / ".venv/.installed").touch()
    first, second = bare("engine"), bare("engine")
    assert first.returncode == 0, first.stderr
    assert "apt-get install ngspice libngspice0" in first.stdout
    assert second.stdout == ""


def test_packages_are_installed_once_and_again_when_the_project_changes(bare):
    log = bare.folder / "log"
    script(bare.folder / "tools/python3", f'echo "system $*" >> {log}\n')
    script(bare.folder / ".venv/bin/python", f'echo "venv $*" >> {log}\n')
    assert bare("python-packages").returncode == 0
    assert "venv -m pip install" in log.read_text()
    log.unlink()
    assert bare("python-packages").returncode == 0
    assert not log.exists()
    os.utime(bare.folder / "pyproject.toml", (2e9, 2e9))
    assert bare("python-packages").returncode == 0
    assert "venv -m pip install" in log.read_text()


def test_tests_in_a_browser_are_no_condition_of_the_suite(bare):
    script(bare.folder / ".venv/bin/python", "exit 1\n")
    (bare.folder / ".venv/.installed").touch()
    without = bare("browser")
    assert without.returncode == 0
    assert "skipped" in without.stderr
    script(bare.folder / "tools/id", "echo 0\n")
    script(bare.folder / "tools/apt-get", 'echo "$@" >> apt-was-called\n')
    assert bare("browser").returncode == 0
    assert "install -y chromium fonts-dejavu-core" in (bare.folder / "apt-was-called").read_text()


def setup_with_failing_lock(bare, error: str) -> subprocess.CompletedProcess:
    script(bare.folder / "tools/python3", "exit 0\n")
    script(
        bare.folder / ".venv/bin/python",
        f"""echo "$*" >> log
        case "$*" in *require-hashes*) echo "ERROR: {error}" >&2; exit 1;; esac\n""",
    )
    return bare("python-packages")


def test_where_the_lock_does_not_fit_the_bounds_serve(bare):
    done = setup_with_failing_lock(bare, "No matching distribution")
    assert done.returncode == 0, done.stderr
    assert "requirements.lock does not fit" in done.stdout
    assert "No matching distribution" in done.stdout
    assert "-e .[dev]" in (bare.folder / "log").read_text()


def test_a_package_of_another_content_is_not_installed(bare):
    done = setup_with_failing_lock(bare, "THESE PACKAGES DO NOT MATCH THE HASHES")
    assert done.returncode != 0
    assert "DO NOT MATCH" in done.stderr
    assert "-e .[dev]" not in (bare.folder / "log").read_text()
    assert not (bare.folder / ".venv/.installed").exists()


def test_the_lock_holds_every_package_by_hash_within_the_bounds_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^-|/", text, re.M)
    locked: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
        name, version = re.match(r"([\w.-]+)(?:\[.*?\])?==(\S+)", entry).groups()
        locked.setdefault(name, []).append(version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["dev"], *extras["docs"]]:
        asked = Requirement(line)
        if asked.name != "cimspice":
            versions = locked.get(asked.name.lower(), [])
            assert versions, f"{line}: make lock"
            assert all(version in asked.specifier for version in versions), line
