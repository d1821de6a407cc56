"""What a run will take: from earlier runs on the same device, or said to be unknown."""

import pytest

from semillero.models.precision import choose_precision
from semillero.training.forecast import Forecast, forecast_run, plan_table
from semillero.training.plan import Device, plan_training
from tests.semillero.training.test_memory_plan import MISTRAL, NEED, T4

RUN = {"device": "cpu", "tokens_per_second": 50.0, "training_seconds": 100.0, "energy_kwh": 0.05, "co2_g": 10.0}


def test_earlier_runs_on_the_device_tell_time_energy_and_carbon() -> None:
    others = [{**RUN, "device": "Tesla T4", "tokens_per_second": 900.0}, {"device": "cpu"}]
    found = forecast_run(10_000, "cpu", [RUN, *others])
    assert found == Forecast(seconds=200.0, energy_kwh=pytest.approx(0.1), co2_g=pytest.approx(20.0), runs=1)
    unmeasured = {name: value for name, value in RUN.items() if name not in ("energy_kwh", "co2_g")}
    assert forecast_run(10_000, "cpu", [unmeasured]) == Forecast(200.0, None, None, 1)
    assert forecast_run(10_000, "Tesla V100", [RUN]) == Forecast(None, None, None, 0)


def test_the_table_says_what_fits_and_what_is_not_known() -> None:
    plan = plan_training(MISTRAL, T4, NEED, choose_precision(T4.capability, "mistral"))
    rows = dict(plan_table(plan, MISTRAL, T4, Forecast(None, None, None, 0)))
    assert rows["device"] == "Tesla T4, 14.8 GiB"
    assert rows["recomputed layers"] == f"{plan.layout.recomputed_layers} of 32"
    assert "fits" in rows["peak memory"]
    assert "never compared" in rows["peak memory"]
    assert rows["time, energy, carbon"].startswith("unknown")
    tiny = Device("a small card", 4.0, (7, 5))
    crowded = plan_training(MISTRAL, tiny, NEED, choose_precision(tiny.capability, "mistral"))
    assert "DOES NOT FIT" in dict(plan_table(crowded, MISTRAL, tiny, Forecast(60.0, 0.2, 30.0, 3)))["peak memory"]
    assert dict(plan_table(crowded, MISTRAL, tiny, Forecast(60.0, 0.2, 30.0, 3)))["energy"].startswith(
        "0.200 kWh, 30 g"
    )
