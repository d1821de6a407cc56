"""A deterministic OpenAI-compatible server: each reply is a function of the request, and faults can be ordered.

>>> with scripted_llm(faults={"http-500": 0.2}) as server:          # doctest: +SKIP
...     print(server.base_url, server.requests, server.answered)

Prompts of our techniques get distinct, well-formed Spanish (or Catalan) questions, answers, critiques and rankings;
anything else gets an echo. ``python -m tests.scripted_llm --port 8123`` serves it alone.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

from tests.loopback import serve

FAULTS = (
    "http-400", "http-401", "http-404", "http-422", "http-429", "http-500", "http-503", "http-302",
    "http-429-bare", "http-429-second", "http-429-date", "http-429-hours", "timeout", "reset", "half", "garbage",
    "half-json", "empty", "null", "nonsense", "huge", "endless", "surrogate", "english",
)  # fmt: skip

ES = {
    "questions": (
        "¿Qué me puedes contar sobre {x}?", "¿Por qué es tan conocido lo de {x}?", "¿Cómo explicarías {x} a alguien?",
        "¿Qué conviene saber de {x} antes de viajar?", "¿Me ayudas a entender qué pasa con {x}?",
        "¿Qué tiene de especial {x}?", "¿De dónde viene todo eso de {x}?", "¿Qué dirías si alguien pregunta por {x}?",
        "¿Cuál es la historia que hay detrás de {x}?", "¿Podrías resumirme lo más importante de {x}?",
        "¿Qué detalles curiosos hay sobre {x}?", "¿A quién le interesa hoy {x} y para qué?",
    ),
    "aspects": (
        "en la vida diaria", "en los pueblos de montaña", "cuando llega el invierno", "para quien viaja con niños",
        "según cuentan los abuelos", "en las ciudades grandes", "durante las vacaciones", "en la escuela primaria",
        "cerca de la costa", "para la gente joven", "en tiempos de sequía", "a comienzos del siglo pasado",
        "cuando falta el dinero", "en los mercados de barrio", "para personas mayores", "los domingos por la tarde",
    ),
    "openings": (
        "Depende mucho de la región, pero {t} suele reunir a familias enteras desde temprano.",
        "Lo primero es mirar con calma: {t} cambia según la temporada y el lugar.",
        "En los pueblos pequeños todavía se habla de {t} con cariño y con muchas anécdotas.",
        "Quien se acerca a {t} por primera vez descubre costumbres que vienen de los abuelos.",
        "Hay varias maneras de verlo, y {t} tiene defensores en cada barrio de la ciudad.",
    ),
    "middles": (
        "Las personas mayores recuerdan que antes se hacía con menos recursos y más paciencia.",
        "Los talleres municipales enseñan cada otoño los pasos básicos a jóvenes y curiosos.",
        "Un buen consejo consiste en preguntar a la gente del mercado, que conoce los secretos.",
        "También influye el clima, porque la lluvia obliga a cambiar los planes de última hora.",
        "Las escuelas organizan salidas para que los niños lo vean con sus propios ojos.",
        "Algunos estudios locales describen cómo ha ido cambiando durante las últimas décadas.",
    ),
    "endings": (
        "Por eso vale la pena conservarlo y contarlo sin prisa.",
        "Al final, lo importante es compartirlo con respeto y buena compañía.",
        "Así se mantiene viva una tradición que pertenece a todos.",
        "Con esos cuidados, cualquiera puede disfrutarlo durante muchos años.",
        "Si quieres profundizar, visita la biblioteca de tu barrio y pregunta allí.",
    ),
}  # fmt: skip
CA = {
    "questions": (
        "Què em pots explicar sobre {x}?", "Per què és tan conegut això de {x}?", "Com explicaries {x} a una visita?",
        "Què cal saber de {x} abans de viatjar-hi?", "M'ajudes a entendre què passa amb {x}?",
        "Què té d'especial {x}?", "D'on ve tot això de {x}?", "Quina és la història que hi ha darrere de {x}?",
        "Em podries resumir el més important de {x}?", "Quins detalls curiosos hi ha sobre {x}?",
    ),
    "aspects": (
        "en la vida diària", "als pobles de muntanya", "quan arriba l'hivern", "per a qui viatja amb infants",
        "segons expliquen els avis", "a les ciutats grans", "durant les vacances", "a l'escola primària",
        "prop de la costa", "per a la gent jove", "en temps de sequera", "a començaments del segle passat",
    ),
    "openings": (
        "Depèn molt de la comarca, però {t} acostuma a aplegar famílies senceres des de ben d'hora.",
        "Primer de tot cal mirar-s'ho amb calma: {t} canvia segons la temporada i el lloc.",
        "Als pobles petits encara es parla de {t} amb afecte i amb moltes anècdotes.",
        "Qui s'acosta a {t} per primera vegada descobreix costums que venen dels avis.",
    ),
    "middles": (
        "La gent gran recorda que abans es feia amb menys recursos i amb més paciència.",
        "Els tallers municipals ensenyen cada tardor els passos bàsics a joves i curiosos.",
        "Un bon consell és preguntar a la gent del mercat, que en coneix els secrets.",
        "També hi influeix el temps, perquè la pluja obliga a canviar els plans a última hora.",
        "Les escoles organitzen sortides perquè els infants ho vegin amb els seus propis ulls.",
    ),
    "endings": (
        "Per això val la pena conservar-ho i explicar-ho sense pressa.",
        "Al capdavall, l'important és compartir-ho amb respecte i bona companyia.",
        "Així es manté viva una tradició que pertany a tothom.",
        "Amb aquestes cures, tothom en pot gaudir durant molts anys.",
    ),
}  # fmt: skip


@dataclass
class ScriptedLLM:
    """What the server has seen, readable while it runs.

    Attributes:
        base_url: up to and including ``/v1``.
        bodies: how often each request body arrived (digest → count), faults included.
        answered: how many requests got their scripted reply.
        faulted: how many got each fault.
        headers: the headers of the last request.
        most_in_flight: the largest number of requests served at one time.
        arrivals, faults_at: when each request arrived, and when each fault was met, on the monotonic clock.
        tokens: sum of the counts that were reported.
    """

    latency: float
    faults: Mapping[str, float]
    faulty_attempts: int | None
    key: str | None
    slots: int | None = None
    refuses: tuple[str, ...] = ()
    usage: bool = True
    base_url: str = ""
    bodies: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    faulted: Counter[str] = field(default_factory=Counter)
    headers: dict[str, str] = field(default_factory=dict)
    most_in_flight: int = 0
    arrivals: list[float] = field(default_factory=list)
    faults_at: list[float] = field(default_factory=list)
    tokens: int = 0
    _in_flight: int = 0

    @property
    def requests(self) -> int:
        """How many chat completions were asked for."""
        return self.bodies.total()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return await self._complete(request)
        finally:
            self._in_flight -= 1

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        digest = hashlib.sha256(raw).hexdigest()
        self.bodies[digest] += 1
        self.arrivals.append(time.monotonic())
        self.headers = dict(request.headers)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": {"message": "Invalid API Key"}}, status=401)
        body = json.loads(raw)
        if named := [key for key in self.refuses if key in body]:
            return web.json_response({"error": {"message": f"{named[0]} is not supported"}}, status=400)
        if self.slots and self._in_flight > self.slots:
            self.faulted["http-429-bare"] += 1
            return await fail(request, "http-429-bare")
        fault = self._choose_fault(digest, self.bodies[digest])
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault:
            self.faulted[fault] += 1
            self.faults_at.append(time.monotonic())
            return await fail(request, fault)
        self.answered += 1
        text, prompt = reply_to(body), len(body["messages"][0]["content"]) // 4
        if not self.usage:
            return completion(text, None)
        usage = {"prompt_tokens": prompt, "completion_tokens": len(text.split())}
        self.tokens += sum(usage.values())
        return completion(text, usage)

    def _choose_fault(self, digest: str, attempt: int) -> str | None:
        if self.faulty_attempts is not None and attempt > self.faulty_attempts:
            return None
        at = int(hashlib.sha256(f"{digest}/{attempt}".encode()).hexdigest()[:8], 16) / 2**32
        for fault, share in self.faults.items():
            if at < share:
                return fault
            at -= share
        return None


@contextlib.contextmanager
def scripted_llm(
    latency: float = 0.0,
    faults: Mapping[str, float] | None = None,
    faulty_attempts: int | None = 2,
    key: str | None = None,
    port: int = 0,
    slots: int | None = None,
    refuses: tuple[str, ...] = (),
    usage: bool = True,
) -> Iterator[ScriptedLLM]:
    """Serve on loopback, in a thread of its own, until the block ends.

    Args:
        latency: seconds before each reply.
        faults: share of attempts that meet each of `FAULTS`, chosen by the request's content and attempt.
        faulty_attempts: from which attempt on a request is spared (None: never).
        key: the only API key that is let in (None: any).
        port: 0 for a free one.
        slots: requests served at once; more are refused with 429 (None: all are served).
        refuses: keys of a body that get a 400 that names them, such as ``response_format``.
        usage: report token counts.
    """
    unknown = set(faults or {}) - set(FAULTS)
    if unknown:
        raise ValueError(f"no such fault: {unknown}")
    script = ScriptedLLM(latency, dict(faults or {}), faulty_attempts, key, slots, refuses, usage)
    with serve(_build_app(script), port) as address:
        script.base_url = f"{address}/v1"
        yield script


def _build_app(script: ScriptedLLM) -> web.Application:
    async def models(request: web.Request) -> web.Response:
        if script.key and request.headers.get("Authorization") != f"Bearer {script.key}":
            return web.json_response({"error": {"message": "Invalid API Key"}}, status=401)
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/chat/completions", script.complete)
    app.router.add_get("/v1/models", models)
    return app


async def fail(request: web.Request, fault: str) -> web.StreamResponse:
    """Answer a request with a fault."""
    assert request.transport is not None
    if fault.startswith("http-"):
        headers = {
            "http-429": {"Retry-After": "0.2"},
            "http-429-second": {"Retry-After": "1"},
            "http-429-date": {"Retry-After": formatdate(time.time() + 1.5, usegmt=True)},
            "http-429-hours": {"Retry-After": "7200"},
            "http-302": {"Location": "http://192.0.2.1/v1"},
        }.get(fault, {})
        return web.json_response({"error": {"message": f"scripted {fault}"}}, status=int(fault[5:8]), headers=headers)
    if fault == "timeout":
        await asyncio.sleep(3600)
    if fault == "reset":
        request.transport.abort()
    if fault == "half":
        body = completion("¿Qué pasa si la respuesta se corta?").body
        assert isinstance(body, bytes)
        response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        request.transport.abort()
        return response
    if fault == "garbage":
        return web.Response(text="<html><h1>Bad gateway</h1></html>", content_type="text/html")
    if fault == "endless":
        endless = web.StreamResponse(headers={"Content-Type": "application/json"})
        await endless.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await endless.write(b" " * (1 << 20))
        return endless
    if fault == "half-json":
        return web.Response(text='{"choices": [{"message": {"con', content_type="application/json")
    if fault == "empty":
        return web.json_response({"object": "chat.completion", "choices": []})
    english = "What is the story behind the lakes and rivers of this country?\nAnswer: Nobody really knows that.\n"
    texts = {
        "nonsense": "……… ///",
        "english": english,
        "huge": "palabra " * 130_000,
        "surrogate": "¿Qué es \ud800 eso que se ve?",
    }
    return completion(texts.get(fault))


def completion(text: str | None, usage: Mapping[str, int] | None = None) -> web.Response:
    """Return a chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body: dict[str, Any] = {"id": "c", "object": "chat.completion", "choices": [choice]}
    return web.json_response({**body, "usage": usage} if usage else body)


def reply_to(body: Mapping[str, Any]) -> str:
    """Return the reply to a request: a function of its messages and seed alone."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    number = int(hashlib.sha256(f"{body.get('seed')}/{prompt}".encode()).hexdigest()[:12], 16)
    words = CA if "Escriu només" in prompt else ES
    form = body.get("response_format")
    keys = form["json_schema"]["schema"]["required"] if form else read_keys(prompt)
    if not keys:
        return f" ¿Qué significa el eco número {number}?"
    fields = fill_keys(prompt, words, number)
    if form:
        return json.dumps({key: fields[key] for key in keys}, ensure_ascii=False)
    labels = {"respuesta": "Resposta" if words is CA else "Respuesta"}
    first, *others = keys
    return f" {fields[first]}\n" + "".join(f"{labels[key]}: {fields[key]}\n" for key in others)


def read_keys(prompt: str) -> list[str]:
    """Return what a prompt in lines asks for, by the label that it ends with."""
    last = prompt.rstrip().rsplit("\n", 1)[-1]
    if last in ("Respuesta:", "Resposta:"):
        return ["respuesta"]
    if last == "Crítica:":
        return ["critica"]
    if last in ("Orden:", "Ordre:"):
        return ["orden"]
    if last != "Pregunta:":
        return []
    return (
        ["pregunta", "respuesta"] if re.search(r"la respuesta que falta|la resposta que falt", prompt) else ["pregunta"]
    )


def fill_keys(prompt: str, words: Mapping[str, tuple[str, ...]], number: int) -> dict[str, str]:
    """Return a text for each key that a technique may ask for, about what the prompt's last lines are about."""
    texts = re.findall(r"^Texto?: (.+)$", prompt, re.MULTILINE)
    about = re.findall(r"^(?:Tema|Original|Pregunta): (.+)$", prompt, re.MULTILINE)
    subject = about[-1].strip("¿?. ").lower() if about else "eso"
    fields = answer_topic(" ".join(subject.split()[:8]), words, number)
    if texts:
        fields["pregunta"] = pick(words["questions"], number).format(x=phrase(texts[-1], number))
    order = [1, 2, 3]
    order.sort(key=lambda place: hashlib.sha256(f"{number}/{place}".encode()).digest())
    critique = {"critica": f"No dice nada de {subject}; sobra la última frase."}
    return fields | critique | {"orden": ", ".join(map(str, order))}


def phrase(passage: str, number: int) -> str:
    """Return a few consecutive words of a passage, without what would end a sentence."""
    sentences = [s for s in re.split(r"(?<=[.;:!?])\s+", passage) if len(s.split()) >= 4]
    words = re.sub(r"[^\w\s'-]", "", pick(sentences or [passage], number // 13)).split()
    size = 5 + number % 4
    return f"«{' '.join(words[:size])}»"


def answer_topic(topic: str, words: Mapping[str, tuple[str, ...]], number: int) -> dict[str, str]:
    """Return a question and an answer about a topic."""
    middles = words["middles"]
    first, second = pick(middles, number // 7), pick(middles, number // 7 + 1 + number // 11 % (len(middles) - 1))
    parts = [pick(words["openings"], number // 3).format(t=topic), first, second, pick(words["endings"], number // 5)]
    about = f"{topic} {pick(words['aspects'], number // 17)}"
    return {"pregunta": pick(words["questions"], number).format(x=about), "respuesta": " ".join(parts)}


def pick(choices: Any, number: int) -> Any:
    """Return one of the choices."""
    return choices[number % len(choices)]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=SHARE", help=", ".join(FAULTS))
    options = parser.parse_args()
    faults = {name: float(share) for name, _, share in (fault.partition("=") for fault in options.fault)}
    with scripted_llm(options.latency, faults, port=options.port) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
