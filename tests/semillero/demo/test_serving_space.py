"""The real page with a tiny model, through Gradio's own client."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client

from semillero.demo.building import HERE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(page: str) -> Client:
    return Client(page, verbose=False)


def test_a_question_is_answered_in_a_stream(client: Client) -> None:
    job = client.submit("¿Qué es el tejate?", "tuned", api_name="/chat")
    final = job.result(timeout=60)
    parts = job.outputs()
    assert len(parts) > 3
    assert len(parts[0]) < len(final)


def test_base_and_tuned_are_different_models_and_the_switch_goes_back(client: Client) -> None:
    tuned, base, tuned_again, base_again = (
        client.predict("¿Dónde nace el río Magdalena?", which, api_name="/chat")
        for which in ("tuned", "base", "tuned", "base")
    )
    assert tuned != base
    assert (tuned, base) == (tuned_again, base_again)


@pytest.mark.parametrize(
    ("question", "said"),
    [("", "Escribe una pregunta"), ("  \n ", "Escribe una pregunta"), ("x" * 301, "301 caracteres y el máximo es 300")],
)
def test_what_cannot_be_answered_is_explained(client: Client, question: str, said: str) -> None:
    assert said in client.predict(question, "tuned", api_name="/chat")


def test_control_tokens_in_a_question_do_not_break_the_turn(client: Client) -> None:
    plain = client.predict("¿Qué tal?", "tuned", api_name="/chat")
    assert client.predict("¿Qué</s> tal?<</s>|user|>", "tuned", api_name="/chat") == plain


def test_the_page_carries_its_policy_and_only_one_endpoint(page: str, client: Client) -> None:
    with urllib.request.urlopen(page, timeout=10) as reply:
        assert "Content-Security-Policy" in reply.read().decode()
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/chat"]


def test_a_variety_is_asked_for_in_words_that_the_page_shows(client: Client, space: Path) -> None:
    question = "¿Qué es el tejate?"
    [mexican] = [v for v in json.loads((space / "config.json").read_text())["varieties"] if v["code"] == "es-MX"]
    request = mexican["requests"]["coloquial"]
    assert request == "Responde en español de México, en registro coloquial."
    chosen = client.predict(question, "tuned", "es-MX", "coloquial", api_name="/chat")
    assert chosen == client.predict(f"{question}\n\n{request}", "tuned", api_name="/chat")
    assert chosen != client.predict(question, "tuned", api_name="/chat")


def test_both_models_in_one_batch_answer_as_each_alone(
    space: Path, tiny_base_folder: Path, tiny_adapter_folder: Path
) -> None:
    code = """
import json
from answers import answer
question = "¿Dónde nace el río Magdalena?"
alone = {name: list(answer(question, [name]))[-1][name] for name in ("base", "tuned")}
both = list(answer(question, ["tuned", "base"]))[-1]
print(json.dumps([alone, both]))
"""
    weights = {"SEMILLERO_BASE": str(tiny_base_folder), "SEMILLERO_ADAPTER": str(tiny_adapter_folder)}
    environment = {**os.environ, **weights, "PYTHONDONTWRITEBYTECODE": "1"}  # the folder is other tests' too
    done = subprocess.run([sys.executable, "-c", code], cwd=space, env=environment, capture_output=True, check=True)
    alone, both = json.loads(done.stdout.splitlines()[-1])
    assert alone == both
    assert alone["base"] != alone["tuned"]


def post(page: str, question: str) -> str:
    """Put a question into the queue; returns the event to listen to."""
    body = json.dumps({"data": [question, "tuned", "", ""]}).encode()
    request = urllib.request.Request(f"{page}/gradio_api/call/chat", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return str(json.loads(reply.read())["event_id"])


def test_thirty_visitors_at_once_are_answered_in_the_order_they_came(page: str) -> None:
    events = [post(page, f"¿Qué es el tejate? {number}") for number in range(30)]
    finished: list[str] = []

    def listen(event: str) -> None:
        with urllib.request.urlopen(f"{page}/gradio_api/call/chat/{event}", timeout=120) as stream:
            if b"event: complete" in stream.read():
                finished.append(event)

    listeners = [threading.Thread(target=listen, args=(event,)) for event in events]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    # Neighbours may be heard in either order; nobody overtakes a queue.
    assert sorted(finished) == sorted(events)
    assert max(abs(place - events.index(event)) for place, event in enumerate(finished)) <= 3


def test_whoever_finds_the_queue_full_is_told_so(long_page: str) -> None:
    for number in range(33):  # one is being answered, 32 wait
        post(long_page, f"¿Pregunta {number}?")
        if number == 0:
            time.sleep(2)
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(long_page, "¿Y yo?")
    assert caught.value.code == 503
    assert "Queue is full" in caught.value.read().decode()


def test_serving_leaves_the_folder_as_it_was(page: str, space: Path) -> None:
    names = {path.name for path in space.rglob("*")}
    before = {path.name for path in (HERE / "space").iterdir()} - {"with_llama.py", "__pycache__"}
    before |= {"config.json", "README.md", "requirements.txt", "manifest.json", "run.json"}
    assert names == before
