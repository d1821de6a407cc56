"""`RunStore`: find, make and read artifacts under one root (a folder or any fsspec URL)."""

import contextlib
import errno
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec

from semillero.digests import digest_file
from semillero.durability import flush
from semillero.energy import Meter, TimeOnlyMeter
from semillero.errors import SemilleroError, StoreError
from semillero.store.artifact import Artifact, Recipe, content_digest
from semillero.store.lock import RunLock, is_local

FORMAT = 1
MANIFEST = "manifest.json"
RUN_FILE = "run.json"  # times, energy, host: differs from run to run, outside the content digest
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
RECORDED_VERSIONS = (
    "semillero", "polars", "pyarrow", "distilabel", "torch", "transformers", "peft", "bitsandbytes", "xllamacpp",
)  # fmt: skip

log = logging.getLogger("semillero.store")


class WouldMake(SemilleroError):
    """A dry store was asked for an artifact it does not have."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(f"{recipe.stage} would be made")
        self.recipe = recipe


@dataclass
class Draft:
    """An artifact being made: write data files under ``path``, then leave the ``with`` block.

    Attributes:
        path: a local folder, published as the artifact by one rename.
        counts: row counts and the like, kept in the manifest.
        run: facts of this run only (throughput, attempts), kept in ``run.json``.
        volatile: names of files under ``path`` that differ from run to run (ledgers); not part of the content.
        artifact: set when the block has ended without an error.
    """

    recipe: Recipe
    path: Path
    counts: dict[str, int] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    volatile: set[str] = field(default_factory=set)
    made: Artifact | None = None

    @property
    def artifact(self) -> Artifact:
        """The published artifact."""
        if self.made is None:
            raise StoreError(f"{self.recipe.stage} was not finished")
        return self.made


class RunStore:
    """Artifacts under ``root``, and local working folders beside them.

    Args:
        root: a folder, or any fsspec URL such as ``s3://bucket/prefix``.
        meter: what measures the energy of each artifact made; time only by default.
        dry: refuse to make anything (`WouldMake`); for ``explain`` and ``status``.

    Raises:
        StoreError: the root cannot be reached or written.
    """

    def __init__(self, root: str, meter: Meter | None = None, dry: bool = False) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(root)
        except (ValueError, ImportError, OSError) as error:
            raise StoreError(f"the run store {root!r} cannot be opened: {error}", "a folder or an fsspec URL") from None
        self.root = root
        self.local = is_local(self._fs)
        self._meter: Meter = meter or TimeOnlyMeter()
        self.dry = dry
        # Ledgers, checkpoints and drafts need rename, append and flock: always on this machine's disk.
        if self.local:
            self._work = Path(self._root) / "work"
        else:
            cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "semillero"
            self._work = cache / content_digest({"root": root})[:16]

    # -- finding ------------------------------------------------------------------------------------------------

    def find(self, recipe: Recipe) -> Artifact | None:
        """Return the artifact this recipe made before, or None when it is missing or does not verify."""
        folder = self._folder(recipe)
        manifest = self._manifest(folder)
        if manifest is None or manifest.get("key") != recipe.key:
            return None
        fault = self._fault(folder, manifest)
        if fault:
            log.warning("%s: %s; it will be made again", folder, fault)
            return None
        artifact = replace(_artifact(manifest, folder), reused=True)
        self._remember(recipe, artifact)
        return artifact

    def last(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return what each part of a stage used last: part name → ``{"recipe", "path", "content"}``."""
        found = {}
        for path in self._glob(f"last/{stage}/*.json"):
            with contextlib.suppress(OSError, ValueError):
                entry = json.loads(self._fs.cat_file(path))
                found[str(entry["recipe"]["part"])] = entry
        return found

    def manifest(self, artifact: Artifact) -> dict[str, Any]:
        """Return an artifact's manifest."""
        manifest = self._manifest(artifact.path)
        if manifest is None:
            raise StoreError(f"{artifact.path} has no manifest", "a complete artifact", "run the command again")
        return manifest

    def run_facts(self, artifact: Artifact) -> dict[str, Any]:
        """Return what ``run.json`` says of the run that made the artifact (empty when it is lost)."""
        return self._run_facts(artifact.path)

    def last_run_facts(self, stage: str) -> list[dict[str, Any]]:
        """Return the same of each part of a stage that was used last."""
        return [self._run_facts(entry["path"]) for entry in self.last(stage).values()]

    def _run_facts(self, path: str) -> dict[str, Any]:
        try:
            facts = json.loads(self._fs.cat_file(f"{self._root}/{path}/{RUN_FILE}"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def folder(self, artifact: Artifact) -> Path:
        """Return a local folder with the artifact's files, fetched from a shared store when need be."""
        if self.local:
            return Path(self._root) / artifact.path
        local = self._work / "fetched" / artifact.path
        if not all(
            (local / name).exists() and digest_file(local / name) == sha for name, sha in artifact.files.items()
        ):
            shutil.rmtree(local, ignore_errors=True)
            local.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get(f"{self._root}/{artifact.path}/", f"{local}/", recursive=True)
        return local

    # -- making -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def draft(self, recipe: Recipe) -> Iterator[Draft]:
        """Make an artifact: yields a `Draft`, publishes it when the block ends, leaves nothing when it fails.

        Raises:
            StoreError: the disk is full; nothing half-written is left behind.
            WouldMake: the store is dry.
        """
        if self.dry:
            raise WouldMake(recipe)
        path = self._work / "drafts" / f"{recipe.stage}-{recipe.key[:16]}-{uuid4().hex[:8]}"
        draft = Draft(recipe, path)
        try:
            path.mkdir(parents=True)
            with self._meter.measure(recipe.stage) as used:
                yield draft
            _write_json(path / RUN_FILE, {**_host(), **used, **draft.run})
            draft.made = self._publish(draft)
            self._remember(recipe, draft.made)
        except OSError as error:
            if error.errno in DISK_ERRORS:
                raise StoreError(
                    f"no space left while writing {recipe.stage} under {self._work}",
                    "room for the artifact",
                    "free some space and run the same command again; everything finished so far is kept",
                ) from error
            raise
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def work(self, recipe: Recipe) -> Path:
        """Return the recipe's own local working folder (a ledger, live checkpoints); it survives a killed run."""
        path = self._work / recipe.stage / recipe.key[:16]
        path.mkdir(parents=True, exist_ok=True)
        return path

    def keep_note(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name, beside the artifacts: what was done outside (see `note`)."""
        path, data = f"{self._root}/notes/{name}.json", json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
        if self.local:
            _write_atomically(Path(path), data)
        else:
            self._fs.pipe_file(path, data)

    def note(self, name: str) -> Any:
        """Return what `keep_note` kept, or None; a note may be lost, so whoever reads it must be able to do without."""
        try:
            self._fs.invalidate_cache()
            return json.loads(self._fs.cat_file(f"{self._root}/notes/{name}.json"))
        except (OSError, ValueError):
            return None

    def lock(self) -> RunLock:
        """Return the lock that a run holds while it uses this store."""
        return RunLock(self._fs, f"{self._root}/locks", self.local)

    # -- inside -------------------------------------------------------------------------------------------------

    def _publish(self, draft: Draft) -> Artifact:
        folder = self._folder(draft.recipe)
        files = {}
        for path in sorted(p for p in draft.path.rglob("*") if p.is_file()):
            name = path.relative_to(draft.path).as_posix()
            flush(path)
            volatile = name == RUN_FILE or name in draft.volatile
            files[name] = {"sha256": digest_file(path), "size": path.stat().st_size, "volatile": volatile}
        data = {name: str(entry["sha256"]) for name, entry in files.items() if not entry["volatile"]}
        manifest = {
            "format": FORMAT,
            "stage": draft.recipe.stage,
            "part": draft.recipe.part,
            "key": draft.recipe.key,
            "content": content_digest(data),
            "counts": draft.counts,
            "files": files,
            "recipe": draft.recipe.as_json(),
            "versions": _versions(),
        }
        _write_json(draft.path / MANIFEST, manifest)
        target = f"{self._root}/{folder}"
        if self.local:
            self._rename(draft.path, Path(target))
        else:
            if self._fs.exists(target):
                self._fs.rm(target, recursive=True)
            for name in [*files, MANIFEST]:  # the manifest last: its existence means the upload completed
                self._fs.put_file(str(draft.path / name), f"{target}/{name}")
        return _artifact(manifest, folder)

    def _rename(self, draft: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # damaged, or find() would have returned it: put aside, not destroyed
            damaged = self._work / "damaged" / f"{target.parent.name}-{target.name}"
            shutil.rmtree(damaged, ignore_errors=True)
            damaged.parent.mkdir(parents=True, exist_ok=True)
            target.rename(damaged)
        draft.rename(target)
        flush(target.parent)

    def _folder(self, recipe: Recipe) -> str:
        return f"artifacts/{recipe.stage}/{recipe.key[:16]}"

    def _manifest(self, folder: str) -> dict[str, Any] | None:
        try:
            manifest = json.loads(self._fs.cat_file(f"{self._root}/{folder}/{MANIFEST}"))
        except (OSError, ValueError):
            return None
        return manifest if isinstance(manifest, dict) and manifest.get("format") == FORMAT else None

    def _fault(self, folder: str, manifest: Mapping[str, Any]) -> str:
        """Return what is wrong with an artifact's files, or an empty string."""
        for name, entry in manifest["files"].items():
            if name == RUN_FILE:  # only told to people; its loss is no reason to train again
                continue
            path = f"{self._root}/{folder}/{name}"
            try:
                if self._fs.size(path) != entry["size"]:
                    return f"{name} has another size than its manifest says"
                found = digest_file(Path(path)) if self.local else _digest_remote(self._fs, path)
            except OSError:
                return f"{name} is missing"
            if found != entry["sha256"]:
                return f"{name} is damaged"
        return ""

    def _remember(self, recipe: Recipe, artifact: Artifact) -> None:
        if self.dry:
            return
        entry = {"recipe": recipe.as_json(), "path": artifact.path, "content": artifact.content}
        path = f"{self._root}/last/{recipe.stage}/{recipe.part.replace('/', '-') or 'all'}.json"
        data = json.dumps(entry, ensure_ascii=False, sort_keys=True).encode()
        if self.local:
            _write_atomically(Path(path), data)
        else:
            self._fs.pipe_file(path, data)

    def _glob(self, pattern: str) -> list[str]:
        self._fs.invalidate_cache()
        return sorted(self._fs.glob(f"{self._root}/{pattern}"))


def _artifact(manifest: Mapping[str, Any], folder: str) -> Artifact:
    files = {name: entry["sha256"] for name, entry in manifest["files"].items() if not entry["volatile"]}
    return Artifact(
        manifest["stage"],
        manifest["part"],
        manifest["key"],
        manifest["content"],
        folder,
        files,
        manifest["counts"],
    )


def _digest_remote(fs: Any, path: str) -> str:
    import hashlib

    digest = hashlib.sha256()
    with fs.open(path, "rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _host() -> dict[str, Any]:
    return {
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


@cache  # reading a package's metadata takes longer than hashing a shard
def _versions() -> dict[str, str]:
    found = {}
    for name in RECORDED_VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    flush(path)


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    temporary.write_bytes(data)
    temporary.replace(path)
