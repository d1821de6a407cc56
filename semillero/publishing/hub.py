"""The Hugging Face Hub, or any server that speaks its API: what is there, and the single steps that change it.

Nothing here decides. Every request has a timeout (the client library sets none), a server's ``Retry-After`` is capped,
and a fault that may pass is worth another look at what is there (`Hub.settle`). The sequence is in
`semillero.publishing.sending`.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from semillero.errors import InputError, PublishError, SemilleroError
from semillero.progress import say
from semillero.publishing.faults import asked_wait, explain, is_transient, shorten, status_of
from semillero.publishing.planning import GIT, Repository

DEFAULT_ENDPOINT = "https://huggingface.co"
BRANCH = "main"
LONGEST_FIELD = 9  # digits of a Retry-After that is read as a number at all
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long a fault is borne.

    Attributes:
        timeout: seconds until a request that says nothing counts as lost. A commit of thousands of files takes a while.
        attempts: how often a sequence is taken before its fault is told.
        first_wait: seconds before the second attempt; doubled each time.
        longest_wait: the most seconds waited at once, whatever the server asks for.
    """

    timeout: float = 120.0
    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0


@dataclass(frozen=True)
class Online:
    """A repository at its head.

    Attributes:
        head: the newest commit.
        private: whether only its owners see it.
        used: bytes of storage that it takes, when the server tells.
    """

    head: str
    private: bool
    used: int | None = None


class Hub:
    """A connection with one endpoint and one token; see `open_hub`."""

    def __init__(self, endpoint: str, token: str, patience: Patience) -> None:
        from huggingface_hub import HfApi

        self.endpoint, self.patience = endpoint, patience
        self.api = HfApi(endpoint=endpoint, token=token, library_name="semillero")
        self.token = token

    def settle(self, what: str, step: Callable[[], T]) -> T:
        """Take ``step`` until nothing disturbs it; it must look before it acts, because it may be taken twice.

        Raises:
            PublishError: a fault that does not pass, or one that has not passed in time (that one is retryable).
        """
        wait = self.patience.first_wait
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return step()
            except SemilleroError:
                raise
            except Exception as error:
                if not is_transient(error):
                    raise explain(error, what, self.endpoint) from error
                if attempt == self.patience.attempts:
                    raise PublishError(
                        f"{what}: {self.endpoint} does not answer as it should ({shorten(error)})",
                        "a server that answers",
                        "run the same command again in a while; what has been published stays, nothing is sent twice",
                        retryable=True,
                    ) from error
                say(f"{what}: {shorten(error)}; looking again in {wait:.0f} s")
                time.sleep(min(max(wait, asked_wait(error)), self.patience.longest_wait))
                wait = min(2 * wait, self.patience.longest_wait)
        raise AssertionError("unreachable")

    def look(self, repository: Repository) -> Online | None:
        """Return what is at a repository's head, or None when there is no such repository (or none we may see)."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = self.api.repo_info(repository.name, repo_type=repository.kind)
        except RepositoryNotFoundError as error:
            if status_of(error) == 401:  # what an expired token gets; the library reads it as "no such repository"
                self.api.whoami()
            return None
        return Online(str(info.sha), bool(info.private), getattr(info, "used_storage", None))

    def list_files(self, repository: Repository, revision: str) -> dict[str, str]:
        """Return the identity of each file at a revision (see `PlannedFile.is_at`), by path."""
        from huggingface_hub.hf_api import RepoFile

        items = self.api.list_repo_tree(
            repository.name, repo_type=repository.kind, revision=revision, recursive=True, expand=False
        )
        files = [item for item in items if isinstance(item, RepoFile)]
        return {file.path: file.lfs.sha256 if file.lfs else GIT + file.blob_id for file in files}

    def list_commits(self, repository: Repository, revision: str = BRANCH) -> list[Any]:
        """Return the commits up to a revision, newest first."""
        return list(self.api.list_repo_commits(repository.name, repo_type=repository.kind, revision=revision))

    def list_tags(self, repository: Repository) -> dict[str, str]:
        """Return the commit of each tag, by name."""
        refs = self.api.list_repo_refs(repository.name, repo_type=repository.kind)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def create(self, repository: Repository) -> None:
        """Create a repository, private; one that somebody made in the meantime is left as it is."""
        from huggingface_hub.errors import HfHubHTTPError

        sdk = {"space_sdk": "gradio"} if repository.kind == "space" else {}
        try:
            self.api.create_repo(repository.name, repo_type=repository.kind, visibility="private", **sdk)
        except HfHubHTTPError as error:
            if status_of(error) != 409:
                raise

    def check_write(self, repository: Repository) -> None:
        """Ask whether the token may write to a repository; the server's refusal is raised."""
        self.api.auth_check(repository.name, repo_type=repository.kind, write=True)

    def commit(
        self,
        repository: Repository,
        parent: str,
        title: str,
        description: str,
        operations: Sequence[Any],
    ) -> str:
        """Upload large files, then send one atomic commit that only lands on ``parent``; returns its id."""
        from huggingface_hub import CommitOperationAdd

        where = {"repo_id": repository.name, "repo_type": repository.kind, "revision": BRANCH}
        additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
        if additions:
            self.api.preupload_lfs_files(additions=additions, free_memory=False, **where)
        info = self.api.create_commit(
            operations=list(operations),
            commit_message=title,
            commit_description=description,
            parent_commit=parent,
            **where,
        )
        return str(info.oid)

    def tag(self, repository: Repository, tag: str, commit: str) -> None:
        """Tag a commit; a tag of this name that stands already stays where it is."""
        self.api.create_tag(repository.name, tag=tag, revision=commit, repo_type=repository.kind, exist_ok=True)

    def publish(self, repository: Repository) -> None:
        """Make a private repository public."""
        if self.api.repo_info(repository.name, repo_type=repository.kind).private:
            self.api.update_repo_settings(repository.name, repo_type=repository.kind, visibility="public")

    def url(self, repository: Repository) -> str:
        """Return a repository's page."""
        return find_url(repository, self.endpoint)


@contextlib.contextmanager
def open_hub(token_env: str, patience: Patience | None = None) -> Iterator[Hub]:
    """Connect to ``HF_ENDPOINT`` with the token of an environment variable, or the one that ``hf auth login`` stored.

    Raises:
        InputError: there is no token, or the endpoint would send it over the network in the clear.
    """
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars, logging

    endpoint, token, patience = find_endpoint(), find_token(token_env), patience or Patience()
    logging.set_verbosity_error()  # its retries and bars are ours to tell
    disable_progress_bars()
    huggingface_hub.set_client_factory(lambda: _client(patience))
    # The chunk storage has a client of its own, which reads its timeouts from the environment.
    for name in ("HF_XET_CLIENT_READ_TIMEOUT", "HF_XET_CLIENT_CONNECT_TIMEOUT"):
        os.environ.setdefault(name, f"{patience.timeout:.0f}s")
    try:
        yield Hub(endpoint, token, patience)
    finally:
        huggingface_hub.set_client_factory(_client_of_the_library)


def find_endpoint() -> str:
    """Return the server to publish to.

    Raises:
        InputError: it is not https, and not on this machine.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise InputError(
            f"HF_ENDPOINT {endpoint!r} would send the token in the clear", "an address with https://", "correct it"
        )
    return endpoint


def find_url(repository: Repository, endpoint: str | None = None) -> str:
    """Return the address of a repository's page."""
    return (
        f"{endpoint or find_endpoint()}/{'' if repository.kind == 'model' else f'{repository.kind}s/'}{repository.name}"
    )


def find_token(token_env: str) -> str:
    """Return the token to publish with.

    Raises:
        InputError: there is none.
    """
    from huggingface_hub import get_token

    token = os.environ.get(token_env) or get_token()
    if not token:
        raise InputError(
            f"no token to publish with: {token_env} is not set, and none is stored",
            "a fine-grained token with write access to the organization's repositories",
            f"export {token_env}=hf_… (never in the project file), or run `hf auth login`",
        )
    return token


def _client(patience: Patience) -> Any:
    import httpx2

    timeout = httpx2.Timeout(patience.timeout, connect=min(patience.timeout, 30.0))

    def limit(request: Any) -> None:
        """Some of the library's calls say "no timeout" themselves, which would win over the client's."""
        request.extensions["timeout"] = timeout.as_dict()

    def cap_waits(response: Any) -> None:
        """The library sleeps for as long as a server asks; hours of it, if it likes."""
        if value := response.headers.get("retry-after"):
            asked = float(value) if value.isdigit() and len(value) <= LONGEST_FIELD else patience.longest_wait
            response.headers["retry-after"] = f"{min(asked, patience.longest_wait):.0f}"
        if "ratelimit" in response.headers:
            del response.headers["ratelimit"]

    return httpx2.Client(
        follow_redirects=True,
        timeout=timeout,
        event_hooks={"request": [limit], "response": [cap_waits]},
    )


def _client_of_the_library() -> Any:
    from huggingface_hub.utils._http import default_client_factory

    return default_client_factory()
