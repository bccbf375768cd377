"""A page that is open in a browser, for the tests that look into it."""

from __future__ import annotations


class Opened:
    """A page that was opened, with what it asked for and said."""

    def __init__(self, browser, path, hash_="", **options):
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.requests, self.said = [], []
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.goto(path.as_uri() + hash_)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.context.close()

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def key(self, name, times=1):
        for _ in range(times):
            self.page.keyboard.press(name)
