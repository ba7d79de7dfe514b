"""Checks of a checkout: `nox` runs the quick ones, in the environment that has `pip install -e '.[dev]'`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
BASE_TESTS = (
    "tests/system",
    "tests/images",
    "tests/styles",
    "tests/runtime",
    "tests/cli",
    "tests/test_architecture.py",
    "tests/test_errors.py",
)
"""Tests that need no torch."""
INSTALLED_DATA = """
from fastnst.system.package_data import bundled

assert "site-packages" in str(bundled("checkpoints")), bundled("checkpoints")
assert (bundled("checkpoints") / "vgg16.safetensors").is_file()
assert (bundled("configs") / "base.yaml").is_file()
"""

WHEEL_MEGABYTES = 60
"""Most that the wheel may have."""

nox.options.sessions = ["lint", "quick"]
nox.options.error_on_external_run = False


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check format, lint, types and the direction of imports; with CI=true nothing is rewritten."""
    session.run(
        sys.executable, "-m", "ruff", "format", *(["--check"] if "CI" in os.environ else [])
    )
    session.run(sys.executable, "-m", "ruff", "check")
    session.run(sys.executable, "-m", "mypy")
    session.run(str(Path(sys.executable).with_name("lint-imports")))


@nox.session(venv_backend="none")
def quick(session: nox.Session) -> None:
    """Run the tests that are not marked slow; words after `--` go to pytest."""
    session.run(sys.executable, "-m", "pytest", "-m", "not slow", *session.posargs)


@nox.session(venv_backend="none")
def long(session: nox.Session) -> None:
    """Run the tests that take a minute each, which all other runs leave out."""
    session.run(sys.executable, "-m", "pytest", "-m", "long", *session.posargs)


@nox.session
def base(session: nox.Session) -> None:
    """Check the base install in an environment of its own: no torch, its tests, and a photo painted by the command.

    It is installed as from a registry: a wheel that was built out of the sdist.
    """
    files = Path(session.create_tmp())
    session.install("build>=1.2")
    session.run("python", "-m", "build", "--outdir", str(files), str(ROOT), silent=True)
    (wheel,) = files.glob("*.whl")
    if wheel.stat().st_size > WHEEL_MEGABYTES * 1e6:
        session.error(f"{wheel.name} has more than {WHEEL_MEGABYTES} MB")
    session.install(str(wheel), "pytest>=8", "hypothesis>=6")
    wheel.unlink()
    no_torch = "from importlib.util import find_spec; assert find_spec('torch') is None"
    session.run("python", "-c", no_torch)
    session.run("python", "-m", "pytest", "-m", "not slow", *BASE_TESTS, *session.posargs)
    # Outside the checkout, so that the installed package's data are used.
    session.chdir(files)
    photo = ROOT / "tests" / "assets" / "astronaut.jpg"
    session.run("fastnst", "stylize", str(photo), "--style", "starry-night", "-o", "painted.jpg")
    session.run("python", "-c", INSTALLED_DATA)
