#!/usr/bin/env bash
# A Dask worker whose Python starts slowly, beside a scheduler that answers at once.
#
# Expected: --death-timeout, described as the seconds to wait for a scheduler before closing, has no
# effect where the scheduler answers; a worker that imports for longer simply joins later.
# Seen with distributed 2026.8.0: the same seconds limit the start of the worker's own process. A
# worker that needs 6 s for its imports (from a shared drive it may be minutes) and has a
# --death-timeout of 3 s never joins: its nanny ends with status 1, and the last line of its
# log is "AssertionError: Status.starting". With 60 s it joins. dask-jobqueue 0.9.0 writes 60 s into
# each job by default. Felt as: jobs of a cluster that end after a minute on a busy day although
# nothing is wrong, while the movie waits for its first worker.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install distributed==2026.8.0 dask==2026.8.0 dask-jobqueue==0.9.0
cd "$folder"
echo "import time; time.sleep(6)" > imports.py
cat > workers.py <<'PY'
import asyncio
import subprocess
import sys

import dask
import dask_jobqueue  # noqa: F401  (loads its configuration)
from distributed import Scheduler

COMMAND = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--nanny"]


async def joins(seconds: int) -> tuple[bool, int | None, str]:
    """Return whether a worker joins, the exit status, and the last line of its log."""
    async with Scheduler(port=0, dashboard_address=":0") as scheduler:
        options = [scheduler.address, "--preload", "imports.py", "--death-timeout", str(seconds)]
        with open("log", "w") as log:
            worker = subprocess.Popen([*COMMAND, *options], stdout=log, stderr=log)
        for _ in range(60):
            await asyncio.sleep(1)
            if scheduler.workers or worker.poll() is not None:
                break
        joined, status = bool(scheduler.workers), worker.poll()
    worker.terminate()
    worker.wait()
    lines = [line.strip() for line in open("log") if "Error" in line]
    return joined, status, lines[-1] if lines else ""


async def main() -> None:
    short, long = await joins(3), await joins(60)
    default = dask.config.get("jobqueue.slurm.death-timeout")
    print("3 s:", short, "60 s:", long[:2], "default of dask-jobqueue:", default)
    assert short == (False, 1, "AssertionError: Status.starting")
    assert long[:2] == (True, None)
    assert default == 60
    print("as stated")


asyncio.run(main())
PY
"$folder/venv/bin/python" workers.py
