"""A page that is open in a browser, for the tests that look into it."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
COLOURS = ["color-contrast", "link-in-text-block"]
IDLE = {}  # tabs that nothing is open in, by their browser and options: to open a new one costs more than a page does


class Opened:
    """A page that was opened, with what it asked for and said."""

    def __init__(self, browser, path, hash_="", **options):
        self.tabs = IDLE.setdefault((browser, repr(sorted(options.items()))), [])
        self.page = self.tabs.pop() if self.tabs else browser.new_context(offline=True, **options).new_page()
        self.size = self.page.viewport_size
        self.requests, self.said = [], []
        self.heard = {
            "request": lambda r: self.requests.append(r.url),
            "console": lambda m: self.said.append(m.text),
            "pageerror": lambda e: self.said.append(str(e)),
        }
        for event, hear in self.heard.items():
            self.page.on(event, hear)
        self.page.goto(path.as_uri() + hash_)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Leave the tab as it was, for the next page."""
        for event, hear in self.heard.items():
            self.page.remove_listener(event, hear)
        self.page.goto("about:blank")
        self.page.mouse.move(0, 0)
        self.page.emulate_media(media="null")
        if self.page.viewport_size != self.size:
            self.page.set_viewport_size(self.size)
        self.tabs.append(self.page)

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def key(self, name, times=1):
        for _ in range(times):
            self.page.keyboard.press(name)


def soon_ready(o):
    """Whether the page is drawn within 1.5 s, at the best of three, for a browser shares the machine with others."""
    for _ in range(3):
        if int(o.page.evaluate("document.documentElement.dataset.ready")) < 1500:
            return True
        o.page.reload()
    return False


def axe_finds_nothing(page, scheme="light", part=None):
    """In the page, or a part of it; of the dark scheme only colours are looked at, for all else is as in the light."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    rules = {"runOnly": COLOURS} if scheme == "dark" else {}
    found = axe.Axe().run(page, part, {"resultTypes": ["violations"], **rules})
    assert found.violations_count == 0, found.generate_report()
