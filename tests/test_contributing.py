"""Statements of CONTRIBUTING.md and of the files around it, which are to be true."""

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
requirements = pytest.importorskip("packaging.requirements")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def test_every_file_that_it_names_is_there():
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|yaml))`", CONTRIBUTING)
    named += re.findall(r"\]\(([^)#]+)\)", CONTRIBUTING)
    to_come = {"fastnst/models/NAME.py", "tests/models/test_NAME.py"}
    assert len(named) > 15
    assert {name for name in named if not (ROOT / name).exists()} == to_come


def test_every_session_that_it_names_is_in_the_noxfile():
    ci = (ROOT / ".ci" / "run").read_text()
    said = " ".join(re.findall(r"nox .*?-s ((?:\w+ ?)+)", CONTRIBUTING + ci)).split()
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert set(said) == set(sessions) == {"lint", "quick", "base", "long"}


def test_the_hook_s_ruff_is_one_that_a_developer_installs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (pinned,) = (repo["rev"] for repo in hooks if repo["repo"].endswith("ruff-pre-commit"))
    wanted = map(requirements.Requirement, PROJECT["optional-dependencies"]["dev"])
    (ruff,) = (one for one in wanted if one.name == "ruff")
    assert pinned.removeprefix("v") in ruff.specifier


def test_the_workflow_takes_every_python_that_is_said_to_work():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    said = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert said
    assert all(job["strategy"]["matrix"]["python"] == said for job in jobs.values())
    assert f">={said[0]}" == PROJECT["requires-python"]
