import importlib
import os

import pytest

from semillero.curation.workers import run_in_processes
from semillero.errors import SemilleroError

pytestmark = pytest.mark.slow  # each starts processes that import polars


def test_results_come_in_the_order_of_the_tasks_and_the_environment_is_left_alone():
    before = dict(os.environ)
    found = run_in_processes(importlib.import_module, ("math",), "sqrt", [float(n * n) for n in range(20)], 2)
    assert list(found) == [float(n) for n in range(20)]
    assert dict(os.environ) == before


def test_a_killed_worker_is_an_error_that_says_so():
    with pytest.raises(SemilleroError, match="a worker process of curation was killed"):
        list(run_in_processes(importlib.import_module, ("os",), "_exit", [1], 1))
