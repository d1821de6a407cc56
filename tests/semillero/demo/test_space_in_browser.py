"""The page in headless Chromium: what a visitor sees and does, on a desktop and on a phone."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ANSWER = "#charla .bot .message-content"
CARD = ".respuesta .texto"
SEND = "[data-testid=submit-button]"
MARKUP = '<img src="x" onerror="document.title=1"><b>negrita</b> {{value}} ${1+1}'
Browser = Any


def open_browser(
    chromium: str, page: str, width: int, height: int, phone: bool = False, language: str = "es-MX"
) -> Browser:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    if phone:
        metrics = {"width": width, "height": height, "pixelRatio": 2}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    browser.get(page)
    wait(browser, lambda: find(browser, "#pregunta textarea"))
    # The page has asked for its language: labels will not move any more.
    wait(browser, lambda: browser.execute_script("return document.documentElement.lang") == language[:2])
    return browser


def find(browser: Browser, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def texts(browser: Browser, selector: str) -> list[str]:
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((element) => element.innerText)", selector
    )
    return found


def wait(browser: Browser, condition: Callable[[], Any], seconds: float = 60) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(lambda _: condition())


def ask(browser: Browser, question: str) -> None:
    """Send a question, once the page takes one: while it answers, its button says stop."""
    wait(browser, lambda: find(browser, SEND))
    box = find(browser, "#pregunta textarea")[0]
    box.clear()
    box.send_keys(question + "\n")


def choose(browser: Browser, number: int) -> None:
    """Who answers: 0 both, 1 tuned, 2 base."""
    find(browser, "#quien label")[number].click()
    wait(browser, lambda: is_shown(browser, "#comparacion" if number == 0 else "#charla"))


def is_shown(browser: Browser, selector: str) -> bool:
    """Asked of the page itself: between two calls of ours it may put another element in this one's place."""
    script = "return [...document.querySelectorAll(arguments[0])].some((element) => element.offsetParent !== null)"
    return bool(browser.execute_script(script, selector))


def click(browser: Browser, selector: str) -> bool:
    """Click an element if it is there, and tell whether it was."""
    script = "const found = document.querySelector(arguments[0]); found?.click(); return found !== null"
    return bool(browser.execute_script(script, selector))


@pytest.fixture
def desktop(chromium: str, page: str) -> Iterator[Browser]:
    """A visitor who has just come: workers take tests in any order."""
    browser = open_browser(chromium, page, 1280, 900)
    yield browser
    browser.quit()


def test_two_answers_are_voted_on_blind_and_the_vote_arrives(desktop: Browser, votes: Path) -> None:
    ask(desktop, "¿Qué es el tejate?")
    wait(desktop, lambda: is_shown(desktop, "#voto"))
    shown = texts(desktop, CARD)
    assert len(shown) == 2
    assert all(len(text.split()) > 3 for text in shown)
    assert not find(desktop, ".firma"), "the authors show before the vote"
    click(desktop, "#voto-second")
    wait(desktop, lambda: "marca antes la casilla" in "".join(texts(desktop, ".nota")))
    assert not (votes / "votes.jsonl").exists(), "a vote without consent was kept"
    click(desktop, "#consentimiento input")
    find(desktop, "#comentario textarea")[0].send_keys("Escríbanme a ana@example.org")
    click(desktop, "#voto-second")
    wait(desktop, lambda: len(find(desktop, ".firma")) == 2)
    [line] = [json.loads(line) for line in (votes / "votes.jsonl").read_text().splitlines()]
    assert [line["answers"][name] for name in line["order"]] == shown
    assert texts(desktop, ".firma") == [{"base": "Base", "tuned": "Afinado"}[name] for name in line["order"]]
    assert (line["question"], line["vote"]) == ("¿Qué es el tejate?", "second")
    assert line["comment"] == "Escríbanme a [EMAIL]"
    assert line["id"] in "".join(texts(desktop, ".nota"))
    assert not is_shown(desktop, "#voto"), "one could vote twice"


def test_one_model_answers_in_a_conversation_and_signs(desktop: Browser) -> None:
    for number, name in ((1, "Afinado"), (2, "Base")):
        choose(desktop, number)
        before = len(find(desktop, ANSWER))
        ask(desktop, "¿Qué es el tejate?")
        wait(desktop, lambda before=before: len(find(desktop, ANSWER)) > before and find(desktop, SEND))
        assert texts(desktop, ANSWER)[-1].startswith(name)


def test_markup_in_a_question_is_shown_and_never_run(desktop: Browser) -> None:
    choose(desktop, 1)
    ask(desktop, MARKUP)
    wait(desktop, lambda: MARKUP in "".join(texts(desktop, "#charla .user .message-content")) and find(desktop, SEND))
    choose(desktop, 0)
    ask(desktop, MARKUP)
    wait(desktop, lambda: MARKUP in texts(desktop, ".nota.pregunta"))
    wait(desktop, lambda: find(desktop, ".respuesta.done"))
    assert not find(desktop, "#charla .message-content img, .nota img, .respuesta img, .nota b")
    severe = [line for line in desktop.get_log("browser") if line["level"] == "SEVERE"]
    assert not severe, severe


def test_what_cannot_be_asked_is_explained_on_the_page(desktop: Browser) -> None:
    choose(desktop, 0)
    ask(desktop, "   ")
    wait(desktop, lambda: "Escribe una pregunta." in texts(desktop, ".nota.mal"))
    # The browser's own limit is only a convenience: take it away.
    desktop.execute_script("document.querySelector('#pregunta textarea').removeAttribute('maxlength')")
    ask(desktop, "x" * 301)
    wait(desktop, lambda: "301 caracteres y el máximo es 300" in "".join(texts(desktop, ".nota.mal")))
    assert find(desktop, SEND)


def test_the_policy_stops_what_comes_from_elsewhere(desktop: Browser) -> None:
    blocked = desktop.execute_async_script("""
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), {once: true});
        document.body.appendChild(Object.assign(new Image(), {src: "https://example.org/pixel.png"}));
        setTimeout(() => done("nothing was blocked"), 5000);
    """)
    assert blocked == "img-src"


def test_the_page_speaks_the_visitors_language_and_the_switch_changes_it(chromium: str, page: str) -> None:
    browser = open_browser(chromium, page, 360, 780, phone=True, language="en-US")
    try:
        wait(browser, lambda: "Who answers?" in texts(browser, "body")[0])
        seen = texts(browser, "body")[0]
        assert "¿Quién responde?" not in seen
        assert "__" not in seen, "a raw label shows"
        # On the narrowest phone nothing sticks out.
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360
        find(browser, "#idioma label")[0].click()
        wait(browser, lambda: "¿Quién responde?" in texts(browser, "body")[0])
        wait(browser, lambda: find(browser, "#ejemplos button"))[0].click()
        wait(browser, lambda: len(texts(browser, ".respuesta.done .texto")) == 2)
        assert "tejate" in texts(browser, ".nota.pregunta")[0]
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360
    finally:
        browser.quit()


def test_stop_ends_an_answer_and_the_next_one_works(chromium: str, long_page: str) -> None:
    browser = open_browser(chromium, long_page, 1280, 900)
    try:
        choose(browser, 1)
        ask(browser, "Cuéntame del son jarocho.")
        wait(browser, lambda: texts(browser, ANSWER), seconds=120)
        wait(browser, lambda: click(browser, "[data-testid=stop-button]"))
        wait(browser, lambda: find(browser, SEND), seconds=30)
        stopped = texts(browser, ANSWER)[-1]
        ask(browser, "¿Dónde nace el río Magdalena?")  # answered only if the first generation has let go of the model
        wait(browser, lambda: len(texts(browser, ANSWER)) == 2, seconds=60)
        assert texts(browser, ANSWER)[0] == stopped
        assert len(stopped.split()) < 10_000  # of the sixty thousand tokens it would have written
    finally:
        browser.quit()
