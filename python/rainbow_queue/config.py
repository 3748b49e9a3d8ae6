"""The configuration file of a client: the prototype's YAML, with `host` and `groups` besides.

```yaml
scheduler: {name: rainbow, algorithms: {selection: {name: random}, match: {name: match}}}
graphdatabase: {name: memory, options: {host: "localhost:50051"}}
cluster: {name: red, secret: …}         # the cluster that this file's owner runs
clusters: [{name: red, token: …}]       # where one may submit
groups: [{name: campus, token: …}]
```
"""

from __future__ import annotations

import os
import tempfile
from typing import Any, Dict, Iterable, List, Optional

import yaml

from rainbow_queue.errors import InvalidInputError
from rainbow_queue.jobspec import read_file


def new_rainbow_config(host: str, cluster: str, secret: str, scheduler_name: str = "rainbow") -> RainbowConfig:
    """The configuration that the prototype's `register` begins with."""
    cfg = RainbowConfig()
    cfg._cfg = {
        "scheduler": {
            "name": scheduler_name,
            "secret": secret,
            "algorithms": {"selection": {"name": "random"}, "match": {"name": "match"}},
        },
        "cluster": {"name": cluster},
        "graphdatabase": {"name": "memory", "options": {"host": host}},
    }
    return cfg


class RainbowConfig:
    """A client's configuration, in `cfg` as the plain mapping that is in the file."""

    def __init__(self, config_file: Optional[str] = None, validate: bool = True) -> None:
        """Without a file, or where there is none yet, it is empty."""
        self.config_file = config_file
        self._cfg: Dict[str, Any] = {}
        if config_file and os.path.exists(config_file):
            self.load()
            if validate:
                self.validate()

    @property
    def cfg(self) -> Dict[str, Any]:
        return self._cfg

    def get(self, value: str, default: Any = None) -> Any:
        """A key at the top."""
        return self._cfg.get(value, default)

    @property
    def host(self) -> Optional[str]:
        """`host`, else graphdatabase.options.host, else graphdatabase.host."""
        database = self.get("graphdatabase") or {}
        return self.get("host") or (database.get("options") or {}).get("host") or database.get("host")

    @property
    def match_algorithm(self) -> str:
        return self._algorithm("match").get("name") or "match"

    @property
    def selection_algorithm(self) -> str:
        return self._algorithm("selection").get("name") or "random"

    @property
    def selection_algorithm_options(self) -> Dict[str, str]:
        return self._algorithm("selection").get("options") or {}

    def set_match_algorithm(self, name: str, options: Optional[Dict[str, str]] = None) -> None:
        self._set_algorithm("match", name, options)

    def set_selection_algorithm(self, name: str, options: Optional[Dict[str, str]] = None) -> None:
        self._set_algorithm("selection", name, options)

    def _algorithm(self, kind: str) -> Dict[str, Any]:
        scheduler = self.get("scheduler") or {}
        return (scheduler.get("algorithms") or {}).get(kind) or {}

    def _set_algorithm(self, kind: str, name: str, options: Optional[Dict[str, str]]) -> None:
        algorithms = self._cfg.setdefault("scheduler", {}).setdefault("algorithms", {})
        algorithms[kind] = {"name": name, "options": options or {}}

    def load(self, config_file: Optional[str] = None) -> Dict[str, Any]:
        """Reads the file. Raises InvalidInputError where it cannot be read, or where it holds no mapping."""
        config_file = config_file or self.config_file
        if not config_file or not os.path.exists(config_file):
            raise InvalidInputError(f"there is no configuration file {config_file or '(none was given)'}")
        try:
            loaded = yaml.safe_load(read_file(config_file, "configuration"))
        except yaml.YAMLError as error:
            raise InvalidInputError(f"{config_file} is no YAML: {error}") from error
        if loaded is not None and not isinstance(loaded, dict):
            raise InvalidInputError(f"{config_file} must hold a mapping of keys")
        self._cfg = loaded or {}
        self.config_file = config_file
        return self._cfg

    def validate(self) -> None:
        """Raises InvalidInputError with the place where a known key has the wrong kind of value."""
        for key in ("scheduler", "cluster", "graphdatabase"):
            self._expect(key, self.get(key), dict, "a mapping")
        database = self.get("graphdatabase") or {}
        options = database.get("options")
        self._expect("graphdatabase.options", options, dict, "a mapping")
        hosts = {"host": self.get("host"), "graphdatabase.host": database.get("host")}
        for where, host in {**hosts, "graphdatabase.options.host": (options or {}).get("host")}.items():
            self._expect(where, host, str, "text: HOST:PORT, several with commas between")
        for key in ("clusters", "groups"):
            entries = self.get(key)
            self._expect(key, entries, list, "a list")
            for place, entry in enumerate(entries or []):
                self._expect(f"{key}[{place}]", entry, dict, "a mapping with name and token")
                for field in ("name", "token"):
                    self._expect(f"{key}[{place}].{field}", entry.get(field), str, "text")

    def _expect(self, where: str, value: Any, kind: type, words: str) -> None:
        if value is not None and not isinstance(value, kind):
            raise InvalidInputError(f"{self.config_file or 'configuration'}: {where} must be {words}")

    def save_yaml(self, path: str) -> None:
        """For the user alone (mode 0600), and whole or not at all."""
        folder = os.path.dirname(os.path.abspath(path))
        handle, draft = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                yaml.safe_dump(self._cfg, file)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise

    def remove_cluster(self, name: str) -> None:
        self._cfg["clusters"] = [entry for entry in self.get("clusters") or [] if entry.get("name") != name]

    def add_cluster(self, name: str, token: str) -> None:
        """Raises InvalidInputError where it is listed already."""
        clusters = self._cfg.setdefault("clusters", [])
        if any(entry.get("name") == name for entry in clusters):
            raise InvalidInputError(f"cluster {name} already exists - remove it first")
        clusters.append({"name": name, "token": token})

    def get_clusters(self, names: Optional[Iterable[str]] = None) -> List[Dict[str, str]]:
        """Those with a token, and of these the named ones, if names are given."""
        wanted = set(names or ())
        listed = [entry for entry in self.get("clusters") or [] if entry.get("name") and entry.get("token")]
        return [entry for entry in listed if not wanted or entry["name"] in wanted]

    def get_groups(self) -> List[Dict[str, str]]:
        """Those with a token."""
        return [entry for entry in self.get("groups") or [] if entry.get("name") and entry.get("token")]

    def get_database(self) -> Any:
        return self.get("graphdatabase")
