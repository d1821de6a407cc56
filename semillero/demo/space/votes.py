"""Votes on two answers: on disk before the visitor is thanked, then on the Hub in segments that are never rewritten.

One vote is one JSON line:

    schema    1, raised when a key changes
    id        16 hex digits; a vote that arrives twice has one id
    time      UTC, ISO 8601, seconds
    question  as typed; variety, register as chosen ("" for none: then nothing was added to the question)
    answers   {"base": text, "tuned": text}
    order     which model was shown as A and which as B: ["tuned", "base"]
    vote      first, second (of that order), both_good or both_bad
    comment   may be empty
    model     {"id": repository, "revision": digest of the adapter, "base": …, "engine": …}
    consent   version of the text that the visitor agreed to

Personal data of the plainest kinds is masked before anything is written; the pipeline's full detector runs when votes
are collected. Segments are ``votes/YYYY-MM-DD/SHA256.jsonl``: named after their content, so one that is sent twice
because an answer got lost is still there once.
"""

import hashlib
import json
import logging
import os
import re
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CONSENT = "2026-11"  # raised when `consent` in wording.json says something else
CHOICES = ("first", "second", "both_good", "both_bad")
LONGEST_COMMENT = 500  # characters
EVERY = 30.0  # seconds between two commits: the Hub takes about 128 an hour
TIMEOUT = 30.0  # seconds; huggingface_hub alone would wait for ever
log = logging.getLogger("space")

Send = Callable[[str, bytes], None]


def new_vote(
    question: str,
    variety: str,
    register: str,
    answers: Mapping[str, str],
    order: Sequence[str],
    vote: str,
    comment: str,
    model: Mapping[str, str],
) -> dict[str, Any]:
    """Return one vote as it is written, personal data masked."""
    if vote not in CHOICES:
        raise ValueError(f"no such vote: {vote!r}")
    return {
        "schema": 1,
        "id": secrets.token_hex(8),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "question": mask(question),
        "variety": variety,
        "register": register,
        "answers": {name: mask(text) for name, text in answers.items()},
        "order": list(order),
        "vote": vote,
        "comment": mask(comment.strip()[:LONGEST_COMMENT]),
        "model": dict(model),
        "consent": CONSENT,
    }


# Conservative: rather a date too many than a telephone number too few. Spans of years stay.
YEARS = re.compile(r"[12]\d{3}\s?[-–/]\s?[12]\d{3}")
MASKS = (
    (re.compile(r"[\w.+%-]+@(?:[\w-]+\.)+[^\W\d_]{2,24}"), "[EMAIL]"),
    (re.compile(r"(?<!\w)@\w[\w.]{2,}"), "[USUARIO]"),
    (re.compile(r"\b[A-ZÑ&]{3,4}[ -]?\d{6}[A-Z\d]{2,10}\b|\b[A-Z]{2}\d{2}(?:[ -]?[A-Z\d]{4}){3,7}\b"), "[NUMERO]"),
    (re.compile(r"(?<![\w.,])(?:[XYZ]-?)?\+?\(?\d(?:[ .()/-]{0,2}\d){6,}(?:-?[A-Z])?(?!\w)"), "[NUMERO]"),
)


def mask(text: str) -> str:
    """Return the text without e-mail addresses, user names, telephone, identity and account numbers."""
    for pattern, placeholder in MASKS:
        text = pattern.sub(lambda found, put=placeholder: found[0] if YEARS.fullmatch(found[0]) else put, text)
    return text


class Limits:
    """How many votes are taken: a visitor's in ten minutes, everybody's in one."""

    def __init__(self, visitor: int = 20, everybody: int = 60) -> None:
        self.visitor, self.everybody = visitor, everybody
        self.of_visitor: OrderedDict[str, deque[float]] = OrderedDict()
        self.of_all: deque[float] = deque()
        self.lock = threading.Lock()

    def allow(self, visitor: str, now: float | None = None) -> bool:
        """Count one more vote, if there is room for it."""
        now = time.monotonic() if now is None else now
        with self.lock:
            mine = self.of_visitor.setdefault(visitor, deque())
            self.of_visitor.move_to_end(visitor)
            while len(self.of_visitor) > 10_000:
                self.of_visitor.popitem(last=False)
            for times, seconds in ((mine, 600.0), (self.of_all, 60.0)):
                while times and times[0] <= now - seconds:
                    times.popleft()
            if len(mine) >= self.visitor or len(self.of_all) >= self.everybody:
                return False
            mine.append(now)
            self.of_all.append(now)
            return True


class VoteBox:
    """Keeps votes in a folder and, given a way to send, brings them away in segments.

    huggingface_hub's CommitScheduler was compared and left: it makes a repository when it starts (a token for one
    repository may not), has no timeout, uploads a growing file again and again, and ends without a last commit when a
    Space is stopped (SIGTERM runs no exit handlers).

    Args:
        folder: `votes.jsonl`, votes not sent yet, and segments on their way. Votes found there at the start are sent.
        send: takes a segment's name and bytes, and raises when it could not bring it away. None: votes stay here.
        every: seconds between two segments. The first vote after a quiet time is sent at once.
    """

    def __init__(self, folder: Path, send: Send | None = None, every: float = EVERY) -> None:
        self.folder, self.send, self.every = folder, send, every
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "votes.jsonl"
        self.lock = threading.Lock()
        self.sending = threading.Lock()
        self.something = threading.Event()
        if self.file.exists() and not self.file.read_bytes().endswith(b"\n"):
            self._append(b"\n")  # a line torn by a crash must not swallow the next one
        if send is not None:
            self.something.set()
            threading.Thread(target=self._work, daemon=True, name="votes").start()

    def drop(self, vote: Mapping[str, Any]) -> None:
        """Write one vote; on disk when this returns."""
        self._append(json.dumps(vote, ensure_ascii=False).encode() + b"\n")
        self.something.set()

    def flush(self) -> None:
        """Send what has not been sent yet.

        Raises:
            Exception: whatever ``send`` raises; nothing is lost, the segment stays.
        """
        if self.send is None:
            return
        with self.sending:
            with self.lock:
                if self.file.exists() and (lines := self.file.read_bytes()).strip():
                    digest = hashlib.sha256(lines).hexdigest()[:32]
                    os.replace(self.file, self.folder / f"segment-{digest}.jsonl")
            for segment in sorted(self.folder.glob("segment-*.jsonl")):
                name = segment.name.removeprefix("segment-")
                day = datetime.fromtimestamp(segment.stat().st_mtime, UTC).date().isoformat()
                self.send(f"votes/{day}/{name}", segment.read_bytes())
                segment.unlink()

    def _append(self, line: bytes) -> None:
        with self.lock, self.file.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _work(self) -> None:
        while True:
            self.something.wait()
            self.something.clear()
            try:
                self.flush()
            except Exception as error:  # the Hub is down or slow; the votes are on disk, and the next try is near
                log.warning("votes could not be sent (%s); trying again in %.0f s", type(error).__name__, self.every)
                self.something.set()
            time.sleep(self.every)


def send_to_hub(repository: str, token: str) -> Send:
    """Return a way to send segments to a dataset repository, which must exist; the token may be for it alone."""
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi, set_client_factory

    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=TIMEOUT))
    api = HfApi(token=token)

    def send(name: str, data: bytes) -> None:
        count = data.count(b"\n")
        operation = CommitOperationAdd(path_in_repo=name, path_or_fileobj=data)
        api.create_commit(repository, [operation], commit_message=f"{count} votes", repo_type="dataset")

    return send


def open_box(repository: str) -> VoteBox | None:
    """Return where this page's votes go; None when it has no such place, and then it asks for none.

    A Space needs the secret VOTES_TOKEN. On your own machine SEMILLERO_VOTES names a folder.
    """
    if folder := os.environ.get("SEMILLERO_VOTES"):
        return VoteBox(Path(folder))
    token = os.environ.get("VOTES_TOKEN")
    if not token:
        return None
    # A Space with persistent storage has /data, which outlives a restart.
    root = Path("/data") if os.access("/data", os.W_OK) else Path.home()
    return VoteBox(root / "semillero-votes", send_to_hub(repository, token))
