"""From a file and variables to settings, or to an error that names the field and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from kubernaut.domain.errors import SettingsError
from kubernaut.settings.environment import variables
from kubernaut.settings.whole import Settings

PREFIX = "KUBERNAUT_"


def load_settings(path: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file and the environment. Raises `SettingsError` that names the field and the fix."""
    told = variables(environ)
    chosen = path or (Path(told["KUBERNAUT_CONFIG"]) if told.get("KUBERNAUT_CONFIG") else None)
    tree = _file_tree(chosen) if chosen else {}
    for name, value in sorted(told.items()):
        if name.startswith(PREFIX) and name != "KUBERNAUT_CONFIG" and not name.startswith("KUBERNAUT_TEST_"):
            _put(tree, name.removeprefix(PREFIX).lower().split("__"), value, name)
    if told.get("KUBECONFIG"):
        _default(tree, "cluster", "kubeconfig", told["KUBECONFIG"])
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen), help="kubernaut config show") from error
    settings._source = chosen  # noqa: SLF001  # no setting of its own
    return settings


def _file_tree(path: Path) -> dict[str, object]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", help="kubernaut config check --config FILE") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: {' '.join(str(error).split())}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path}: the top level must be a mapping of sections, such as `http:`")
    return tree


def _default(tree: dict[str, object], section: str, key: str, value: str) -> None:
    node = tree.setdefault(section, {})
    if isinstance(node, dict):
        node.setdefault(key, value)


def _put(tree: dict[str, object], keys: list[str], value: str, variable: str) -> None:
    node = tree
    for key in keys[:-1]:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise SettingsError(f"{variable}: {key} is no section", help="kubernaut config show")
        node = child
    node[keys[-1]] = value


def _explain(error: ValidationError, path: Path | None) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"])
        message = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{field}: {message}")
    return f"{path or 'settings'}: " + "; ".join(lines)
