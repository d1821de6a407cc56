"""What the stages have handed over so far, for the stages that need to see all of it (cards, publish, submit)."""

from collections.abc import Iterator
from dataclasses import dataclass

from semillero.store import Artifact


@dataclass(frozen=True)
class Outputs:
    """The artifacts of one project. ``adapter`` and ``evaluation`` are None in a corpus-only project."""

    shards: tuple[Artifact, ...]
    curated: Artifact
    scores: Artifact | None
    reviewed: Artifact
    dataset: Artifact
    adapter: Artifact | None = None
    evaluation: Artifact | None = None
    report: Artifact | None = None  # what was measured of the corpus

    def __iter__(self) -> Iterator[Artifact]:
        yield from self.shards
        for artifact in (
            self.curated,
            self.scores,
            self.reviewed,
            self.dataset,
            self.adapter,
            self.evaluation,
            self.report,
        ):
            if artifact is not None:
                yield artifact

    def digests(self) -> dict[str, str | list[str]]:
        """The content digests by name, as a recipe's inputs."""
        named = {
            "curated": self.curated,
            "scores": self.scores,
            "reviewed": self.reviewed,
            "dataset": self.dataset,
            "adapter": self.adapter,
            "evaluation": self.evaluation,
            "report": self.report,
        }
        inputs: dict[str, str | list[str]] = {name: a.content for name, a in named.items() if a is not None}
        inputs["shards"] = [shard.content for shard in self.shards]
        return inputs
