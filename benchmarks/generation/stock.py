"""distilabel's own Pipeline, as its documentation uses it: the arm of `throughput` that is not ours.

``python -m benchmarks.generation.stock`` reads what to do as JSON from standard input and prints seconds.
"""

import json
import sys
import tempfile
import time

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def main() -> None:
    asked = json.loads(sys.stdin.read())
    with tempfile.TemporaryDirectory() as folder:
        with Pipeline(name="stock", cache_dir=folder) as pipeline:
            rows = LoadDataFromDicts(data=[{"instruction": prompt} for prompt in asked["prompts"]])
            llm = OpenAILLM(
                model=asked["model"],
                base_url=asked["url"],
                api_key=asked["key"],
                max_retries=0,
                generation_kwargs={"temperature": asked["temperature"], "max_new_tokens": asked["max_tokens"]},
            )
            # As many rows a batch as requests may be in flight: it sends a batch at once and waits for all of it.
            rows >> TextGeneration(llm=llm, input_batch_size=asked["concurrency"])
        start = time.perf_counter()
        made = pipeline.run(use_cache=False)
        seconds = time.perf_counter() - start
    written = sum(row["generation"] is not None for row in made["default"]["train"])
    assert written == len(asked["prompts"]), f"{written} of {len(asked['prompts'])} answered"
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
