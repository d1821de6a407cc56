"""Ask a running Space one question, as a program of a visitor's would."""

import json
import re
from urllib.parse import urlsplit

from semillero.demo.building import HERE as DEMO
from semillero.errors import InputError
from semillero.publishing.hub import Hub
from semillero.publishing.planning import Repository
from semillero.publishing.space_watching import SpaceFault, read_log

CONNECT_SECONDS = 60.0
ENDPOINT = "/chat"  # semillero/demo/space/page.py offers it to programs
EXCUSES = ("failed", "nothing", "too_many_tokens")  # keys of the page's wording
OWN_HOST = re.compile(r"[\w-]+\.hf\.space")


def ask_space(hub: Hub, repository: Repository, question: str, seconds: float) -> str:
    """Return a Space's answer to a question.

    A private Space lets in only who shows a token; it is shown to the Hub's own hosts and to this machine alone.

    Args:
        hub: where.
        repository: the Space, which runs.
        question: what to ask.
        seconds: how long the answer may take.

    Raises:
        SpaceFault: it does not answer, or with nothing.
        InputError: gradio is not installed here.
    """
    try:
        from gradio_client import Client
    except ImportError as error:
        raise InputError("gradio is not installed", "it, to ask the Space", "pip install 'semillero[demo]'") from error
    info = hub.settle(hub.url(repository), lambda: hub.api.space_info(repository.name))
    if not info.host:
        raise SpaceFault("it runs, but the Hub names no address of it")
    token = hub.token if info.private and _may_see_token(info.host) else False
    try:
        client = Client(
            info.host,
            token=token,
            verbose=False,
            download_files=False,
            analytics_enabled=False,
            httpx_kwargs={"timeout": CONNECT_SECONDS},
        )
    except Exception as error:  # gradio_client raises whatever its parts raise
        raise _fault(hub, repository, f"its page does not load ({type(error).__name__}: {error})") from error
    try:
        job = client.submit(question, api_name=ENDPOINT)
        job.result(timeout=seconds)
        answer = job.outputs()[-1] if job.outputs() else ""  # an answer grows; `result` is only its beginning
    except TimeoutError as error:
        raise _fault(hub, repository, f"it does not answer within {seconds:.0f} s") from error
    except Exception as error:
        raise _fault(hub, repository, f"it answers with an error ({type(error).__name__}: {error})") from error
    finally:
        client.close()
    if not isinstance(answer, str) or not answer.strip():
        raise _fault(hub, repository, f"it answers with nothing ({answer!r})")
    if any(excuse in answer for excuse in list_excuses()):
        raise _fault(hub, repository, f"it says that it cannot answer ({answer!r})")
    return answer.strip()


def list_excuses() -> list[str]:
    """Return what the page says, in each of its languages, instead of an answer that its model did not write."""
    wording = json.loads((DEMO / "space" / "wording.json").read_text(encoding="utf-8"))
    return [said[key] for said in wording.values() for key in EXCUSES]


def _may_see_token(host: str) -> bool:
    parts = urlsplit(host)
    name = parts.hostname or ""
    return (parts.scheme == "https" and bool(OWN_HOST.fullmatch(name))) or name in ("127.0.0.1", "localhost")


def _fault(hub: Hub, repository: Repository, why: str) -> SpaceFault:
    return SpaceFault(why, read_log(hub, repository, build=False))
