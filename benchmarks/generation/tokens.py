"""How many characters of a prompt make a token: what `semillero check` assumes before the first reply tells.

Counts the quickstart's prompts with the embedded model's tokenizer (Gemma's, 262k entries)::

    python -m benchmarks.generation.tokens [projects/quickstart.yaml]
"""

import json
import sys
import urllib.request
from collections import defaultdict
from pathlib import Path

from semillero.generation.budget import prompt_text
from semillero.generation.embedded import serve_embedded
from semillero.generation.estimate import rehearse
from semillero.generation.plan import plan_shards
from semillero.project import load_project
from semillero.project.sources import load_sources


def main() -> None:
    project = load_project(Path(sys.argv[1] if len(sys.argv) > 1 else "projects/quickstart.yaml"))
    plans = plan_shards(project.corpus, load_sources(project))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    with serve_embedded() as endpoint:
        for request in rehearse(plans, project.corpus):
            text = prompt_text(request.payload)
            body = json.dumps({"content": text}).encode()
            headers = {"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"}
            asked = urllib.request.Request(f"{endpoint.base_url.removesuffix('/v1')}/tokenize", body, headers)
            with urllib.request.urlopen(asked) as answer:
                tokens = len(json.load(answer)["tokens"])
            found = sums[request.item.split("/")[0]]
            for at, value in enumerate((1, len(text), tokens)):
                found[at] += value
    print("| variety | prompts | characters | tokens | characters a token |\n|---|---|---|---|---|")
    for code, (prompts, characters, tokens) in sums.items():
        print(f"| {code} | {prompts} | {characters:,} | {tokens:,} | {characters / tokens:.2f} |")


if __name__ == "__main__":
    main()
