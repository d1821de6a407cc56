"""The page in headless Chromium: what a visitor sees and does, on a desktop and on a phone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ANSWER = "#charla .bot .message-content"
Browser = Any


def open_browser(chromium: str, page: str, width: int, height: int, phone: bool = False) -> Browser:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if phone:
        metrics = {"width": width, "height": height, "pixelRatio": 2}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    browser.get(page)
    wait(browser, lambda: find(browser, "#pregunta textarea"))
    return browser


def find(browser: Browser, selector: str) -> list[Any]:
    return browser.find_elements("css selector", selector)


def wait(browser: Browser, condition: Callable[[], Any], seconds: float = 60) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(lambda _: condition())


def ask(browser: Browser, question: str) -> None:
    find(browser, "#pregunta textarea")[0].send_keys(question + "\n")


@pytest.fixture(scope="module")
def desktop(chromium: str, page: str) -> Iterator[Browser]:
    browser = open_browser(chromium, page, 1280, 900)
    yield browser
    browser.quit()


def test_a_question_is_answered_and_signed(desktop: Browser, tmp_path: Path) -> None:
    desktop.save_screenshot(str(tmp_path / "desktop-empty.png"))
    ask(desktop, "¿Qué es el tejate?")
    wait(desktop, lambda: find(desktop, ANSWER) and find(desktop, "[data-testid=submit-button]"))
    assert find(desktop, ANSWER)[-1].text.startswith("Afinado · Tuned")
    find(desktop, "#quien label")[1].click()
    ask(desktop, "¿Qué es el tejate?")
    wait(desktop, lambda: len(find(desktop, ANSWER)) == 2 and find(desktop, "[data-testid=submit-button]"))
    assert find(desktop, ANSWER)[-1].text.startswith("Base")
    desktop.save_screenshot(str(tmp_path / "desktop.png"))


def test_markup_in_a_question_is_shown_and_never_run(desktop: Browser) -> None:
    ask(desktop, '<img src="x" onerror="document.title=1"><b>negrita</b>')
    wait(desktop, lambda: "<b>negrita</b>" in find(desktop, "#charla .user .message-content")[-1].text)
    wait(desktop, lambda: find(desktop, "[data-testid=submit-button]"))
    assert not find(desktop, "#charla .message-content img, #charla .message-content b")
    severe = [line for line in desktop.get_log("browser") if line["level"] == "SEVERE"]
    assert not severe, severe


def test_the_policy_stops_what_comes_from_elsewhere(desktop: Browser) -> None:
    blocked = desktop.execute_async_script("""
        const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), {once: true});
        document.body.appendChild(Object.assign(new Image(), {src: "https://example.org/pixel.png"}));
        setTimeout(() => done("nothing was blocked"), 5000);
    """)
    assert blocked == "img-src"


def test_the_language_switch_shows_one_language(desktop: Browser) -> None:
    def seen() -> set[str]:
        return {p.get_attribute("lang") for p in find(desktop, ".aviso [lang]") if p.is_displayed()}

    assert seen() == {"es"}
    desktop.execute_script("document.querySelector('#english').click()")
    assert seen() == {"en"}


def test_an_example_is_asked_with_one_click_on_a_phone(chromium: str, page: str, tmp_path: Path) -> None:
    phone = open_browser(chromium, page, 390, 844, phone=True)
    try:
        phone.save_screenshot(str(tmp_path / "phone-empty.png"))
        assert phone.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        wait(phone, lambda: find(phone, "#charla .example"))[0].click()
        wait(phone, lambda: find(phone, ANSWER))
        assert "tejate" in find(phone, "#charla .user .message-content")[0].text
        phone.save_screenshot(str(tmp_path / "phone.png"))
    finally:
        phone.quit()


def test_stop_ends_an_answer_and_the_next_one_works(chromium: str, long_page: str) -> None:
    browser = open_browser(chromium, long_page, 1280, 900)
    try:
        ask(browser, "Cuéntame del son jarocho.")
        wait(browser, lambda: find(browser, ANSWER))
        wait(browser, lambda: find(browser, "[data-testid=stop-button]"))[0].click()
        wait(browser, lambda: find(browser, "[data-testid=submit-button]"), seconds=15)
        stopped = find(browser, ANSWER)[-1].text
        ask(browser, "¿Dónde nace el río Magdalena?")  # answered only if the first generation has let go of the model
        wait(browser, lambda: len(find(browser, ANSWER)) == 2, seconds=15)
        assert find(browser, ANSWER)[0].text == stopped
        assert len(stopped.split()) < 1500
    finally:
        browser.quit()
