"""Runs inside Argilla's own environment, by its interpreter; nothing of ours imports it, nor the other way round.

``inside.py serve HOST PORT``  makes sure of the owner's account, rebuilds the search index, serves page and API;
                               forks the worker first if SEMILLERO_ARGILLA_WORKER names a folder for its log.
``inside.py reindex``          rebuilds the search index of a server that is running.

One process for these steps, because importing Argilla takes seconds. Settings and keys come from the environment.
"""

import asyncio
import gc
import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

REPORT_EVERY_SECONDS = 0.2


async def ensure_owner(name: str, password: str, api_key: str) -> None:
    """Create the owner, or give them the current keys where they have others (the key file was lost)."""
    from argilla_server.contexts import accounts
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import User, UserRole

    async with AsyncSessionLocal() as session:
        user = await accounts.get_user_by_username(session, name)
        if user is not None and user.api_key == api_key and user.role == UserRole.owner:
            return
        hashed = accounts.hash_password(password)
        if user is None:
            await User.create(
                session, first_name=name, username=name, role=UserRole.owner, api_key=api_key, password_hash=hashed
            )
        else:
            await user.update(session, role=UserRole.owner, api_key=api_key, password_hash=hashed)


async def rebuild_index(progress: Path) -> int:
    """Write every dataset and record of the database into the search engine, as Argilla's own command does.

    Returns:
        How many records there are.
    """
    from argilla_server.cli.search_engine.reindex import Reindexer
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import Record
    from argilla_server.search_engine import get_search_engine
    from sqlalchemy import func, select

    async with AsyncSessionLocal() as db:
        total = (await db.execute(select(func.count(Record.id)))).scalar_one()
        done, last = 0, 0.0
        async for engine in get_search_engine():
            async for dataset in Reindexer.reindex_datasets(db, engine):
                async for records in Reindexer.reindex_dataset_records(db, engine, dataset):
                    done += len(records)
                    if time.monotonic() - last >= REPORT_EVERY_SECONDS:
                        last = time.monotonic()
                        report(progress, done, total)
    return int(total)


async def index_changes(since: datetime) -> None:
    """Write the records that people changed while the index was being rebuilt.

    Args:
        since: when the rebuilding began (UTC).
    """
    from argilla_server.database import AsyncSessionLocal
    from argilla_server.models import Dataset, Record, Response, Suggestion
    from argilla_server.search_engine import get_search_engine
    from sqlalchemy import or_, select
    from sqlalchemy.orm import selectinload

    answered = select(Response.record_id).where(Response.updated_at >= since)
    parts = (
        selectinload(Record.responses).selectinload(Response.user),
        selectinload(Record.suggestions).selectinload(Suggestion.question),
        selectinload(Record.vectors),
    )
    async with AsyncSessionLocal() as db:
        settings = (selectinload(Dataset.fields), selectinload(Dataset.metadata_properties))
        for dataset in (await db.execute(select(Dataset).options(*settings))).scalars().all():
            changed = or_(Record.updated_at >= since, Record.id.in_(answered))
            query = select(Record).filter_by(dataset_id=dataset.id).where(changed).options(*parts)
            if records := (await db.execute(query)).scalars().all():
                async for engine in get_search_engine():
                    await engine.index_records(dataset, records)


def report(progress: Path, done: int, total: int, complete: bool = False) -> None:
    """Say how far the index is, in a file that is always whole."""
    draft = progress.with_suffix(".tmp")
    draft.write_text(json.dumps({"done": done, "total": total, "complete": complete}), encoding="utf-8")
    draft.replace(progress)


def import_argilla() -> None:
    """Import Argilla with garbage collection off: it finds nothing meanwhile, and takes a tenth of the time."""
    gc.disable()
    import argilla_server  # noqa: F401

    gc.freeze()  # so that collections in the forked worker do not copy what both share
    gc.enable()


def fork_worker(logs: Path) -> None:
    """Become two processes: this one goes on, the other is Argilla's worker, in a session of its own.

    It is done while there is one thread and no connection, and after the imports, which are the dear part.

    Args:
        logs: folder of ``worker.log``, and of ``worker.pid``, which is written here.
    """
    import argilla_server.cli.worker

    pid = os.fork()
    if pid:
        (logs / "worker.pid").write_text(str(pid), encoding="utf-8")
        return
    os.setsid()
    output = os.open(logs / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    queues = [argilla_server.cli.worker.DEFAULT_QUEUE.name, argilla_server.cli.worker.HIGH_QUEUE.name]
    argilla_server.cli.worker.worker(queues=queues, num_workers=1)
    sys.exit()


def build_adapters_once() -> None:
    """Keep the pydantic adapters with which Argilla checks settings.

    It builds one anew for each suggestion and each metadata value of each record: two thirds of what a push costs it.
    """
    import argilla_server.models.database

    build = argilla_server.models.database.TypeAdapter
    built: dict[int, Any] = {}

    def build_once(kind: Any) -> Any:
        return built.get(id(kind)) or built.setdefault(id(kind), build(kind))  # the kinds live as long as their modules

    argilla_server.models.database.TypeAdapter = build_once


def do_without_scripts() -> None:
    """Let Argilla tell the index of an answer without a script.

    Argilla sends its search engine a script for each answer given, changed or deleted. Ours runs none, and whoever
    answered would be shown an error although the answer is in the database. The same change is made by reading and
    writing the document: one at a time, or of two answers to a record given at once the index would know one.
    """
    from argilla_server.search_engine.commons import es_index_name_for_dataset
    from argilla_server.search_engine.opensearch import OpenSearchEngine

    turn = asyncio.Lock()

    async def write(engine: Any, response: Any, keep: bool) -> None:
        index, record = es_index_name_for_dataset(response.record.dataset), str(response.record.id)
        document = engine._map_record_response_to_es(response)
        async with turn:
            found = await engine.client.get(index=index, id=record)
            others = [one for one in found["_source"].get("responses") or [] if one["id"] != str(document["id"])]
            responses = [*others, document] if keep else others
            await engine.client.update(index=index, id=record, body={"doc": {"responses": responses}}, refresh=True)

    async def update_record_response(engine: Any, response: Any) -> None:
        await write(engine, response, keep=True)

    async def delete_record_response(engine: Any, response: Any) -> None:
        await write(engine, response, keep=False)

    async def delete_record_suggestion(engine: Any, suggestion: Any) -> None:
        index, record = es_index_name_for_dataset(suggestion.record.dataset), str(suggestion.record_id)
        async with turn:
            source = (await engine.client.get(index=index, id=record))["_source"]
            source.get("suggestions", {}).pop(suggestion.question.name, None)
            await engine.client.index(index=index, id=record, body=source, refresh=True)

    OpenSearchEngine.update_record_response = update_record_response
    OpenSearchEngine.delete_record_response = delete_record_response
    OpenSearchEngine.delete_record_suggestion = delete_record_suggestion


def tell_only_who_listens() -> None:
    """Let Argilla build an event only where a webhook wants it.

    For each record of a bulk, and for each answer, Argilla loads the dataset with its fields, questions and workspace
    anew to build an event, and finds then that there is no webhook: most of what a push of records costs.
    """
    from argilla_server.contexts import webhooks
    from argilla_server.webhooks.v1 import records, responses

    class NobodyListens:
        async def notify(self, _db: Any) -> list[Any]:
            return []

    async def is_wanted(db: Any, event: Any) -> bool:
        if "wanted_events" not in db.info:  # a session lives as long as its request
            listening = await webhooks.list_enabled_webhooks(db)
            db.info["wanted_events"] = {str(name) for webhook in listening for name in webhook.events}
        return str(event.value) in db.info["wanted_events"]

    def only_if_wanted(build: Any) -> Any:
        async def build_if_wanted(db: Any, event: Any, subject: Any) -> Any:
            return await build(db, event, subject) if await is_wanted(db, event) else NobodyListens()

        return build_if_wanted

    records.build_record_event = only_if_wanted(records.build_record_event)
    responses.build_response_event = only_if_wanted(responses.build_response_event)


async def prepare(with_owner: bool) -> None:
    """Do what must be done before anybody is served."""
    from argilla_server.database import async_engine

    if with_owner:
        await ensure_owner(*(os.environ[f"SEMILLERO_ARGILLA_{key}"] for key in ("OWNER", "PASSWORD", "API_KEY")))
    since = datetime.utcnow()  # without a zone, as Argilla stores times
    progress = Path(os.environ["SEMILLERO_ARGILLA_PROGRESS"])
    total = await rebuild_index(progress)
    if not with_owner:  # the server runs, and people may be answering
        await index_changes(since)
    report(progress, total, total, complete=True)
    await async_engine.dispose()  # its connections belong to this event loop; the server has another one


def main() -> None:
    """Entry point."""
    command = sys.argv[1]
    import_argilla()
    if command == "serve" and (logs := os.environ.pop("SEMILLERO_ARGILLA_WORKER", "")):
        fork_worker(Path(logs))
    asyncio.run(prepare(with_owner=command == "serve"))
    if command == "serve":
        import uvicorn

        build_adapters_once()
        do_without_scripts()
        tell_only_who_listens()
        # People's keep-alive connections must not hold up a stop.
        uvicorn.run(
            "argilla_server:app",
            host=sys.argv[2],
            port=int(sys.argv[3]),
            access_log=False,
            timeout_graceful_shutdown=3,
        )


if __name__ == "__main__":
    main()
