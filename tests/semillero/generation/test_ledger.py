"""The ledger: durable before used, a torn end forgiven, anything else that is wrong named."""

import asyncio
import errno
import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.errors import StoreError
from semillero.generation.ledger import Entry, Ledger, parse_entries, read_answers


def answer(n: int, reply: str = "¿Qué es?") -> Entry:
    return Entry(f"request-{n}", f"item/{n}", "answered", 1, reply, "stop", {"completion_tokens": 3}, None, 0.5)


def fill(path: Path, entries: list[Entry]) -> None:
    async def write(ledger: Ledger) -> None:
        await asyncio.gather(*(ledger.write(entry) for entry in entries))

    with Ledger(path) as ledger:
        asyncio.run(write(ledger))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    entries = [answer(n, f"línea\n«{n}»") for n in range(50)]
    entries.append(Entry("request-x", "item/x", "retried", 1, error="http-503"))
    fill(path, entries)
    found, size = parse_entries(path)
    assert sorted(found, key=lambda e: e.request) == sorted(entries, key=lambda e: e.request)
    assert size == path.stat().st_size
    with Ledger(path) as ledger:
        assert ledger.answers == {entry.request: entry for entry in entries if entry.status == "answered"}


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 400), count=st.integers(1, 4))
def test_a_torn_last_line_is_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int, count: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "ledger.jsonl"
    fill(path, [answer(n) for n in range(count)])
    whole = path.read_bytes()
    os.truncate(path, max(0, len(whole) - cut))
    kept = path.read_bytes().count(b"\n")
    fill(path, [answer(99)])
    found, _ = parse_entries(path)
    assert [entry.item for entry in found][-1] == "item/99"
    assert len(found) == kept + 1


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"request":"r"}', b'{"request":"r","item":"i","status":"answered","attempt":1}',
     b'{"request":"r","item":"i","status":"perhaps","attempt":1}',
     b'{"request":"r","item":"i","status":"failed","attempt":1,"colour":"red"}'],
)  # fmt: skip
def test_a_bad_line_in_the_middle_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    fill(path, [answer(1)])
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    with pytest.raises(StoreError, match=r"ledger\.jsonl:2: not a ledger entry"):
        Ledger(path)
    with pytest.raises(StoreError):  # and the failed attempt released the lock
        Ledger(path)


def test_nothing_is_acknowledged_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, disk, calls = os.fsync, threading.Event(), []

    def slow(file: int) -> None:
        disk.wait(10)
        calls.append(file)
        real(file)

    async def write(ledger: Ledger) -> None:
        monkeypatch.setattr("semillero.generation.ledger.os.fsync", slow)
        tasks = [asyncio.create_task(ledger.write(answer(n))) for n in range(20)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in tasks)
        assert ledger.answers == {}
        disk.set()
        await asyncio.gather(*tasks)
        assert len(ledger.answers) == 20

    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        asyncio.run(write(ledger))
    assert len(calls) == 2  # the first alone, and the nineteen that came meanwhile together


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl"), pytest.raises(StoreError, match="in use"):
        Ledger(tmp_path / "ledger.jsonl")


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    real = os.write

    def full(file: int, data: bytes) -> int:
        if path.stat().st_size > 600:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data[:100])

    refused: list[str] = []

    async def write(ledger: Ledger) -> list[int]:
        done = []
        for n in range(20):
            try:
                await ledger.write(answer(n))
            except StoreError as error:
                refused.append(str(error))
            else:
                done.append(n)
        return done

    monkeypatch.setattr("semillero.generation.ledger.os.write", full)
    with Ledger(path) as ledger:
        acknowledged = asyncio.run(write(ledger))
    found, size = parse_entries(path)
    assert acknowledged == [int(entry.item[5:]) for entry in found] == list(range(len(found)))
    assert 0 < len(found) < 20
    assert len(found) + len(refused) == 20
    assert all("No space left" in text for text in refused)
    assert size == path.stat().st_size


def test_a_cancelled_request_still_gets_its_reply_recorded(tmp_path: Path) -> None:
    async def write(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(ledger.write(answer(n))) for n in range(30)]
        await asyncio.sleep(0)
        for task in random.sample(tasks, 15):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        asyncio.run(write(ledger))
    assert len(parse_entries(tmp_path / "ledger.jsonl")[0]) == 30


def test_answers_of_other_ledgers_are_found_and_damaged_ones_passed_over(tmp_path: Path) -> None:
    for name, entries in (("a", [answer(1)]), ("b", [answer(2), Entry("request-3", "item/3", "failed", 5)])):
        (tmp_path / name).mkdir()
        fill(tmp_path / name / "ledger.jsonl", entries)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "ledger.jsonl").write_text("nonsense\nnonsense\n")
    assert set(read_answers(tmp_path)) == {"request-1", "request-2"}
