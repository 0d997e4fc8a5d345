"""The wheel, installed in an empty environment elsewhere, is the whole program; the sdist builds it. No network."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpdeskd import resources, spool, tray

ROOT = Path(__file__).resolve().parents[2]
CONVERSATION = ["It really is. What now?", "Please stand back and pull the plug.", "That helped. Thank you!"]


def environment() -> dict[str, str]:
    """Ours, without what would let it find the checkout or settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HELPDESKD_", "PYTHON", "PIP_", "VIRTUAL_ENV"))
    }


def run(*words: object, cwd: Path, ok: int = 0, stdin: bytes = b"", **more: str) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, input=stdin, capture_output=True, env=environment() | more
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == ok, said
    return said


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel, and our dependencies by way of a .pth file."""

    bin: Path
    packages: Path

    def run(self, command: str, *words: object, **more: object) -> str:
        return run(self.bin / command, *words, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    root = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(root, with_pip=False, symlinks=True)
    python = root / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check",
        "--no-index", "--no-deps", wheel, cwd=root,
    )  # fmt: skip
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(root), "platbase": str(root)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(root / "bin", packages)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_carries_everything_that_travels_with_the_code(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for folder in ("templates", "config", "systemd"):
            for file in files(ROOT / folder):
                name = f"helpdeskd/_data/{folder}/{file}"
                assert archive.read(name) == (ROOT / folder / file).read_bytes()
        assert archive.read("helpdeskd/_data/pipe.py") == (ROOT / "pipe.py").read_bytes()
    ours = {f"helpdeskd/{file}" for file in files(ROOT / "helpdeskd") if "__pycache__" not in file}
    assert ours <= names
    assert "helpdeskd/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/")) or "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_what_is_installed_is_found_there(installed, tmp_path):
    script = "from helpdeskd import resources\nfor n in ('templates', 'config', 'systemd', 'pipe.py'): print(resources.find(n))"
    assert installed.run("python", "-c", script, cwd=tmp_path).split() == [
        str(installed.packages / "helpdeskd" / "_data" / name) for name in ("templates", "config", "systemd", "pipe.py")
    ]


def test_the_pipe_is_a_program_of_this_environment(installed, tmp_path):
    pipe = installed.bin / "helpdeskd-pipe"
    assert stat.S_IMODE(pipe.stat().st_mode) & 0o111 == 0o111
    first = pipe.read_text().splitlines()[0]
    assert first == f"#!{installed.bin / 'python'}"
    root = str(tmp_path / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 0)
    raw = b"Subject: hi\n\nbody\n"
    assert installed.run("helpdeskd-pipe", "--spool", root, "support@desk.example", cwd=tmp_path, stdin=raw) == ""
    (spool_id,) = tray.scan(root)
    entry = tray.claim(root, spool_id)
    assert entry is not None
    assert entry.raw() == raw


def test_the_demo_from_another_folder(installed, tmp_path):
    said = installed.run("helpdeskd", "demo", cwd=tmp_path, DEMO_ONCE="1")
    for words in CONVERSATION:
        assert words in said
    assert "My printer is on fire" in said
    assert "Traceback" not in said
    assert os.listdir(tmp_path) == []


def test_init_names_the_installed_pipe(installed, tmp_path):
    config = tmp_path / "h.toml"
    said = installed.run(
        "helpdeskd", "--config", config, "init", "--data", tmp_path / "data", "--address", "a@b.example",
        "--admin", "c@d.example", cwd=tmp_path,
    )  # fmt: skip
    assert f"argv={installed.bin / 'helpdeskd-pipe'} --spool {tmp_path / 'data' / 'spool'} --sender" in said
    assert "daemon   not running" in installed.run(
        "python", "-m", "helpdeskd", "--config", config, "status", cwd=tmp_path
    )
    version = installed.run("helpdeskd", "--version", cwd=tmp_path).split()[1]
    assert version in wheel_name(installed)


def wheel_name(installed: Installed) -> str:
    (info,) = installed.packages.glob("helpdeskd-*.dist-info")
    return info.name


def test_the_sdist_has_the_top_level_files(sdist):
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    for file in ("README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "pipe.py",
                 "requirements.lock", "requirements-dev.lock", "config/helpdeskd.toml", ".ci/run"):  # fmt: skip
        assert file in members, file
    assert members["pipe.py"].mode & 0o111
    for folder in ("docs", "templates", "systemd", "tests", "helpdeskd"):
        assert {f"{folder}/{file}" for file in files(ROOT / folder) if "__pycache__" not in file} <= set(members)


def test_the_sdist_builds_the_same_wheel(sdist, wheel, tmp_path):
    run("tar", "-xf", sdist, cwd=tmp_path)  # tarfile wants a filter from Python 3.11.4 on, and knows none before
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "out", cwd=source)
    (again,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(wheel) as two:
        assert {(info.filename, info.CRC) for info in one.infolist()} == {
            (info.filename, info.CRC) for info in two.infolist()
        }


def test_in_the_checkout_they_are_found_too():
    assert resources.find("pipe.py") == ROOT / "pipe.py"
    assert stat.S_IMODE((ROOT / "pipe.py").stat().st_mode) & 0o111 == 0o111
