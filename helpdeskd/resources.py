"""Where the files that travel with the code are: in the wheel under _data, else in the checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find(name: str) -> Path:
    """The folder or file `name` (templates, config, pipe.py, systemd) as installed or as checked out."""
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} is missing from this installation of helpdeskd")


def version() -> str:
    """As installed, or as the checkout says."""
    import tomllib
    from importlib import metadata

    try:
        return metadata.version("helpdeskd")
    except metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
