"""What a stranger waits for: `make quickstart` in a fresh clone with empty caches, its wall-clock time and its memory.

    python benchmarks/quickstart.py

Clones the repository it lies in to a temporary folder. Memory is the sum over all processes of the proportional set
size (shared pages are counted once), sampled twice a second. Prints a table; pip's own cache of downloads is used.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
MEBIBYTE = 1 << 20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "semillero"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": f"{folder}/cache",
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path("~/.cache/pip").expanduser())),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser())),
            "PREFECT_HOME": f"{folder}/prefect",
        }
        for target in ("setup", "quickstart"):
            start = time.perf_counter()
            process = subprocess.Popen(["make", target], cwd=clone, env=environment, stdout=sys.stderr)
            peak = max(sample(process), key=lambda found: found[0])
            if process.returncode:
                sys.exit(f"make {target} ended with exit code {process.returncode}")
            took = time.perf_counter() - start
            print(
                f"| make {target} | {took / 60:.1f} min | {peak[0] / MEBIBYTE:,.0f} MiB, {peak[1]} processes |",
                flush=True,
            )


def sample(process: "subprocess.Popen[bytes]") -> Iterator[tuple[int, int]]:
    """Yield (bytes, processes) of a process and its descendants until it ends."""
    root = psutil.Process(process.pid)
    while process.poll() is None:
        sizes = []
        with suppress(psutil.Error):
            for one in [root, *root.children(recursive=True)]:
                with suppress(psutil.Error):
                    sizes.append(one.memory_full_info().pss)
        yield sum(sizes), len(sizes)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
