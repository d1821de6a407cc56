"""Where this machine's Chromium is."""

import shutil


def find_chromium() -> str | None:
    """Return the path of a Chromium, or of a Chrome, whose driver is there too."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found if shutil.which("chromedriver") else None
