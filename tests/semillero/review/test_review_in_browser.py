"""Argilla's page in headless Chromium, as a reviewer sees it: the record, its proposals, the guidelines."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.review.collecting import collect_responses
from semillero.review.pushing import push_for_review
from semillero.review.team import prepare_team
from tests.reviewing import make_accepted, make_project, make_scores

pytestmark = [pytest.mark.slow, pytest.mark.browser]

NASTY = (
    "¿Qué es <b>el tejate</b>? <img src=x onerror=\"document.title='presa'\"> AT&T &lt; **no** [a](http://mal.example)"
)
ANSWER = "El tejate es una bebida de maíz y cacao que se prepara en Oaxaca.\nSe sirve fría, en jícara."
Browser = Any


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    arguments = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,1300")
    for argument in (*arguments, "--lang=es", "--accept-lang=es"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def find(browser: Browser, selector: str) -> list[Any]:
    return browser.find_elements("css selector", selector)


def wait(browser: Browser, condition: Callable[[], Any], seconds: float = 60) -> Any:
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(lambda _: condition())


def has_text(browser: Browser, text: str) -> bool:
    return text in find(browser, "body")[0].text


def test_a_reviewer_reads_a_record_with_its_proposals_and_answers_it(
    client: Any, argilla_server: Any, name: str, browser: Browser, tmp_path: Path
) -> None:
    project = make_project(name, ("es-MX",), people=1, overlap=0.0, overlap_submitted=1)
    (ana,) = prepare_team(client, project)
    accepted = make_accepted(("es-MX",), groups=1).with_columns(
        instruction=pl.lit(NASTY), answer=pl.lit(ANSWER), source=pl.lit("Un pasaje <i>cualquiera</i>.")
    )
    scores = make_scores(accepted).with_columns(score=pl.Series([0.3, 0.1, 0.2]))
    report = push_for_review(client, project, accepted, scores, "0123456789ab")

    browser.get(f"{argilla_server.url}/sign-in")
    username, password = wait(browser, lambda: (found := find(browser, "input")) and len(found) == 2 and found)
    username.send_keys(ana.name)
    password.send_keys(ana.password + "\n")
    wait(browser, lambda: "/sign-in" not in browser.current_url)
    browser.get(next(iter(report.links.values())))
    wait(browser, lambda: has_text(browser, "¿Suena natural"))

    wait(browser, lambda: len(find(browser, ".text_field_component")) == 3)
    shown = [field.text for field in find(browser, ".text_field_component")]
    assert NASTY in shown[0]  # as text: neither HTML nor Markdown
    assert ANSWER in shown[1]
    assert "Un pasaje <i>cualquiera</i>." in shown[2]
    assert not find(browser, ".text_field_component img, .text_field_component b, .text_field_component iframe")
    assert "presa" not in browser.title
    chosen = [box.get_attribute("value") for box in find(browser, "input:checked")]
    assert chosen, "nothing is proposed"
    assert NASTY in find(browser, "body")[0].text.split("Pregunta corregida")[1]
    browser.save_screenshot(str(tmp_path / "record.png"))

    next(label for label in find(browser, "label") if label.text.strip().endswith("Sí · Yes")).click()
    submit = wait(
        browser, lambda: [b for b in find(browser, "button") if b.text.strip().endswith("Enviar") and b.is_enabled()]
    )
    submit[0].click()
    wait(browser, lambda: collect_responses(client, project).height == 1)
    (answer,) = collect_responses(client, project).rows(named=True)
    assert (answer["status"], answer["fits_variety"], answer["variety_label"]) == ("submitted", "yes", "es-MX")
    assert (answer["instruction"], answer["answer"]) == (None, None)  # left as they were
    assert answer["quality"] in range(1, 6)

    next(bar for bar in find(browser, "p") if bar.text == "DIRECTRICES").click()
    wait(browser, lambda: has_text(browser, "Guía para revisar: Saberes de prueba"))
    browser.save_screenshot(str(tmp_path / "guidelines.png"))
