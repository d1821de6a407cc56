"""Stands in for the four programs of a local Argilla, told apart by the name it is started under and its arguments."""

import os
import signal
import socket
import sys
import time

PAGE = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"version": "2.8.0"}'


def serve(port: int, password: str = "") -> None:
    """Answer HTTP, and as much of Redis as a ping needs."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
                asked = connection.recv(4096).decode()
                if asked.startswith("GET"):
                    connection.sendall(PAGE)
                elif asked.startswith(f"AUTH {password}\r\n"):
                    connection.sendall(b"+OK\r\n+PONG\r\n")
                else:
                    connection.sendall(b"-NOAUTH\r\n")


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def pretend_to_migrate() -> None:
    import sqlite3

    with sqlite3.connect(os.environ["ARGILLA_DATABASE_URL"].partition(":///")[2]) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('r2')")
        for table in ("users", "datasets", "records", "responses"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER)")


def pretend_to_reindex() -> None:
    for done in (0, 1, 2):
        with open(os.environ["SEMILLERO_ARGILLA_PROGRESS"], "w", encoding="utf-8") as file:
            file.write(f'{{"done": {done}, "total": 2, "complete": {"true" if done == 2 else "false"}}}')
        time.sleep(0.05)


folder, _, name = sys.argv[0].rpartition("/")
arguments = sys.argv[1:]
fault = f"{folder}/fault"  # a test writes there what should go wrong
wrong = read(fault) if os.path.exists(fault) else ""
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("started", name, *arguments, flush=True)

if name == "osmem-server":
    serve(int(arguments[-1].rpartition(":")[2]))
elif name == "valkey-server":
    settings = dict(line.split(" ", 1) for line in read(arguments[0]).splitlines())
    serve(int(settings["port"]), settings["requirepass"])
elif "worker" in arguments:
    time.sleep(600)
elif "migrate" in arguments:
    pretend_to_migrate()
elif "reindex" in arguments:
    pretend_to_reindex()
elif wrong == "argilla fails":
    print("no such table: users", flush=True)
    sys.exit(1)
elif wrong == "argilla never answers":
    time.sleep(600)
else:
    logs = os.environ.get("SEMILLERO_ARGILLA_WORKER")
    if logs and wrong != "no worker":
        worker = os.fork()
        if not worker:
            os.setsid()
            time.sleep(600)
        with open(f"{logs}/worker.pid", "w", encoding="utf-8") as file:
            file.write(str(worker))
    serve(int(arguments[-1]))
