"""What the Hub keeps: repositories of commits, whose files are named by hash, and the bytes by sha256 in a folder."""

import fnmatch
import hashlib
import itertools
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

LARGE = 10 * 1024 * 1024  # bytes; larger files never go into git, whatever they are called
ATTRIBUTES = "".join(
    f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n"
    for suffix in ("bin", "gguf", "parquet", "png", "safetensors", "model", "zip", "arrow")
).encode()


class Refusal(Exception):
    """An answer that is not the one asked for.

    Args:
        status: of the HTTP response.
        message: its body's `error`.
        code: what the client goes by (`X-Error-Code`).
        body: more for the body.
    """

    def __init__(
        self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None, **body: Any
    ):
        super().__init__(message)
        self.status, self.message, self.code, self.headers, self.body = status, message, code, dict(headers or {}), body


class Blob(NamedTuple):
    """A file's content: ``oid`` is git's (of the pointer, where `lfs`), ``xet`` its hash in the CAS if it came so."""

    sha256: str
    size: int
    oid: str
    lfs: bool
    xet: str | None = None

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True)
class Commit:
    """A commit: every file of the tree, by path."""

    oid: str
    parent: str | None
    title: str
    description: str
    author: str
    date: datetime
    files: Mapping[str, Blob]


@dataclass
class Repo:
    """A repository; ``kind`` is model, dataset or space."""

    kind: str
    name: str
    private: bool
    gated: str | bool = False
    granted: set[str] = field(default_factory=set)  # users whom the owner of a gated repository let in
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    discussions: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def resolve(self, revision: str) -> Commit:
        """Return the commit of a branch, a tag or an oid.

        Raises:
            Refusal: there is none.
        """
        oid = self.branches.get(revision.removeprefix("refs/heads/")) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def history(self, revision: str) -> list[Commit]:
        """Return a revision's commits, newest first."""
        commits, at = [], self.resolve(revision).oid
        while at:
            commits.append(self.commits[at])
            at = self.commits[at].parent or ""
        return commits


def read_front_matter(text: bytes) -> Any:
    """Return the YAML of a card, `{}` where it has none."""
    parts = text.decode("utf-8", errors="replace").replace("\r\n", "\n").split("---\n", 2)
    return (yaml.safe_load(parts[1]) or {}) if len(parts) == 3 and not parts[0].strip() else {}


def git_oid(data: bytes) -> str:
    """Return the name that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def pointer(sha256: str, size: int) -> bytes:
    """Return the LFS pointer that git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


class State:
    """All repositories and bytes. Every method may be called from any thread.

    Attributes:
        repos: by kind and name.
        lock: hold it to read more than one thing at once.
    """

    def __init__(self, folder: Path) -> None:
        self.objects = folder / "objects"
        self.objects.mkdir(parents=True, exist_ok=True)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lock = threading.RLock()
        self._ticks = itertools.count()

    def create(self, kind: str, name: str, private: bool, author: str) -> Repo:
        """Make a repository with the commit that the Hub begins each with."""
        with self.lock:
            repo = self.repos[kind, name] = Repo(kind, name, private)
            files = {".gitattributes": self.add_object(ATTRIBUTES, lfs=False)}
            self.commit(repo, "main", files, (), "initial commit", "", author, None)
            return repo

    def find(self, kind: str, name: str) -> Repo:
        """Return a repository.

        Raises:
            KeyError: there is none.
        """
        return self.repos[kind, name]

    def add_object(self, data: bytes, lfs: bool, xet: str | None = None) -> Blob:
        """Keep bytes; return what a tree names them by."""
        sha256 = hashlib.sha256(data).hexdigest()
        staged = self.objects / f"{sha256}.{threading.get_ident()}"
        staged.write_bytes(data)
        staged.replace(self.objects / sha256)
        oid = git_oid(pointer(sha256, len(data)) if lfs else data)
        return Blob(sha256, len(data), oid, lfs, xet)

    def read_object(self, sha256: str) -> bytes:
        """Return the bytes with that hash."""
        return (self.objects / sha256).read_bytes()

    def has_object(self, sha256: str) -> bool:
        """Tell whether the bytes with that hash have arrived."""
        return (self.objects / sha256).is_file()

    def commit(
        self,
        repo: Repo,
        branch: str,
        changed: Mapping[str, Blob],
        deleted: Iterable[str],
        title: str,
        description: str,
        author: str,
        parent: str | None,
    ) -> Commit:
        """Add a commit to a branch; ``deleted`` are paths, or folders that end with a slash.

        Raises:
            Refusal: ``parent`` is given and is not the head (412), or what should be deleted is not there.
        """
        with self.lock:
            head = repo.branches.get(branch)
            if parent is not None and parent != head:
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            files = dict(repo.commits[head].files) if head else {}
            for path in deleted:
                gone = [name for name in files if name == path or (path.endswith("/") and name.startswith(path))]
                if not gone:
                    raise Refusal(404, f'A file with the name "{path}" does not exist', "EntryNotFound")
                for name in gone:
                    del files[name]
            files.update(changed)
            date = datetime.now(UTC).replace(microsecond=0)
            tree = sorted((path, blob.oid) for path, blob in files.items())
            content = repr((head, tree, title, description, author, next(self._ticks)))
            oid = hashlib.sha1(content.encode()).hexdigest()
            commit = repo.commits[oid] = Commit(oid, head, title, description, author, date, files)
            repo.branches[branch] = oid
            return commit

    def is_large(self, repo: Repo, revision: str, path: str, size: int, sample: bytes) -> bool:
        """Tell whether a file goes to LFS: by its size, by the repository's .gitattributes, or as it is not text."""
        if size > LARGE or b"\0" in sample:
            return True
        attributes = repo.resolve(revision).files.get(".gitattributes")
        lines = self.read_object(attributes.sha256).decode().splitlines() if attributes else []
        patterns = [line.split()[0] for line in lines if "filter=lfs" in line]
        return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(path.rsplit("/", 1)[-1], p) for p in patterns)

    def push(self, kind: str, name: str, files: Mapping[str, bytes], delete: Collection[str], author: str) -> Commit:
        """Commit files as a writer of that name would, on the head."""
        with self.lock:
            repo = self.find(kind, name)
            blobs = {
                path: self.add_object(data, self.is_large(repo, "main", path, len(data), data[:512]))
                for path, data in files.items()
            }
            title = f"Update {', '.join([*files, *delete])}"
            return self.commit(repo, "main", blobs, delete, title, "", author, None)
