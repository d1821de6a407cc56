"""The pictures of the demo in README and docs: two answers and the ballot, on a desktop and on a phone.

    semillero demo projects/quickstart.yaml      # prints its address
    python -m benchmarks.demo.pictures http://127.0.0.1:7860 [--folder docs/images]

Needs Chromium and its driver, as the tests of the page do.
"""

import argparse
from pathlib import Path

from tests.chromium import find_chromium
from tests.semillero.demo.test_space_in_browser import find, is_shown, open_browser, wait

SIZES = {"desktop": (1280, 1180, False), "mobile": (390, 844, True)}


def take_picture(page: str, width: int, height: int, phone: bool, target: Path) -> None:
    """Ask the page its first example, wait for both answers and the ballot, and save what shows."""
    browser = open_browser(find_chromium() or "", page, width, height, phone)
    try:
        find(browser, "#ejemplos button")[0].click()
        wait(browser, lambda: is_shown(browser, "#voto"), seconds=600)
        browser.execute_script("window.scrollTo(0, 0)")
        browser.save_screenshot(str(target))
    finally:
        browser.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("page")
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    chosen = parser.parse_args()
    for name, (width, height, phone) in SIZES.items():
        take_picture(chosen.page, width, height, phone, chosen.folder / f"demo-{name}.png")


if __name__ == "__main__":
    main()
