"""A jobspec in whatever form a program has it, as the texts that the calls want."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Union

import yaml

from rainbow_queue.errors import InvalidInputError

# A path, YAML or JSON text, a mapping, or an object with `to_yaml()` as the jobspec package has it.
JobspecLike = Union[str, "os.PathLike[str]", Dict[str, Any], Any]


def simple_jobspec(
    command: Union[str, List[str]], nodes: int = 1, tasks: int = 1, name: Optional[str] = None
) -> Dict[str, Any]:
    """The prototype's simple jobspec: `nodes` nodes in a rack with `tasks` cores each, for one command.

    Raises InvalidInputError without a command, or for less than one node or task.
    """
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    if not words:
        raise InvalidInputError("a command is required")
    if nodes < 1 or tasks < 1:
        raise InvalidInputError("nodes and tasks must be at least 1")
    key = name or words[0]
    node = {"type": "node", "count": nodes, "with": [{"type": "core", "count": tasks}]}
    return {
        "version": 1,
        "resources": {key: {"type": "rack", "replicas": 1, "with": [node]}},
        "tasks": [{"command": words, "resources": key}],
    }


def jobspec_text(jobspec: JobspecLike) -> str:
    """As YAML or JSON; text is kept exactly as it is. A single line that names a file is that file's content."""
    if isinstance(jobspec, Mapping):
        return json_text(jobspec, "the jobspec")
    if hasattr(jobspec, "to_yaml"):
        try:
            return str(jobspec.to_yaml())
        except Exception as error:
            raise InvalidInputError(f"the jobspec’s to_yaml() failed: {type(error).__name__}: {error}") from error
    if isinstance(jobspec, os.PathLike):
        return _from_file(os.fspath(jobspec))
    if not isinstance(jobspec, str):
        raise TypeError(f"a jobspec is a path, text, a mapping or a Jobspec, not {type(jobspec).__name__}")
    if not jobspec.strip():
        raise InvalidInputError("the jobspec is empty: give a path, text, a mapping or a Jobspec")
    if "\n" not in jobspec and not jobspec.lstrip().startswith("{"):
        return _from_file(jobspec)
    _refuse_others(jobspec, "the jobspec", "FILE")
    return jobspec


def _from_file(path: str) -> str:
    text = read_file(path, "jobspec")
    _refuse_others(text, path, path)
    return text


_VERSION = re.compile(r"""^(?:version\s*:|\{\s*version\s*:|\s*\{?\s*["']version["']\s*:)""", re.MULTILINE)
_SCRIPT = re.compile(r"^#!|^#\s?(SBATCH|FLUX)\b|^# ?flux:", re.MULTILINE)
_KUBERNETES = re.compile(r"""^\s*\{?\s*["']?apiVersion["']?\s*:""", re.MULTILINE)


def _refuse_others(text: str, what: str, file: str) -> None:
    """What only the command line reads. A jobspec has its version; a server has the last word on it."""
    if _VERSION.search(text) is not None:
        return
    if _SCRIPT.search(text) is not None:
        kind, option = "a batch script", f"--batch {file}"
    elif _KUBERNETES.search(text) is not None:
        kind, option = "Kubernetes’", f"--kubernetes {file}"
    else:
        return
    raise InvalidInputError(
        f"{what} is {kind}, and no jobspec: Python takes jobspecs; submit it with `rainbow submit {option}`, "
        f"or make jobspecs of it with `rainbow jobspec convert {file}`"
    )


class _Yaml12(yaml.SafeLoader):
    """Words are what they are in YAML 1.2: `on` is text, and so is 1:30."""

    yaml_implicit_resolvers: Dict[Any, Any] = {}


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Yaml12.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def jobspec_lossy(jobspec: JobspecLike) -> str:
    """With `attributes.rainbow.allowLossy`, as `--allow-lossy` puts it there; as JSON."""
    try:
        document = yaml.load(jobspec_text(jobspec), Loader=_Yaml12)  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        raise InvalidInputError(f"the jobspec is no YAML: {error}") from error
    place = document
    for key in ("attributes", "rainbow"):
        if isinstance(place, dict) and place.get(key) is None:
            place[key] = {}
        place = place.get(key) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise InvalidInputError("allow_lossy: the jobspec needs maps at attributes.rainbow, to put allowLossy into")
    place["allowLossy"] = True
    return json_text(document, "the jobspec")


def jobspec_json(jobspec: JobspecLike) -> str:
    """As JSON, which the prototype's Satisfy wants."""
    if hasattr(jobspec, "to_str"):
        return str(jobspec.to_str())
    return json.dumps(yaml.safe_load(jobspec_text(jobspec)), default=str)


def jobspec_name(jobspec: JobspecLike) -> str:
    """Its own name, or nothing; the server then takes the one in the jobspec."""
    return str(getattr(jobspec, "name", "") or "")


def read_file(path: str, what: str) -> str:
    """Raises InvalidInputError, with the path, where it cannot be read as text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        raise InvalidInputError(f"there is no {what} file {path}") from None
    except IsADirectoryError:
        raise InvalidInputError(f"{path} is a folder: name the {what} file in it") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"the {what} file {path} is no text in UTF-8") from None
    except OSError as error:
        raise InvalidInputError(f"the {what} file {path[:200]} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidInputError(f"{path[:200]!r} is no path of a {what} file: {error}") from error


def json_text(document: Any, what: str) -> str:
    """Raises InvalidInputError where there is something in it that JSON has not."""
    try:
        return json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what} cannot be written as JSON: {error}") from error
