"""The live page in a real browser: it follows, keeps its place, its slider asks the engine, and no one else gets in."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import threading
import time

import numpy as np
import pytest
from opened import CHROMIUM, Opened

import tinygrad_cnn as tg
from tinygrad_cnn import viz
from tinygrad_cnn.viz.live import Live

SCRIPT = """\
import tinygrad_cnn as tg
from tinygrad_cnn import nn

tg.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
x = tg.tensor([[0.5, -1.0], [1.5, 2.0]])
loss = model(x).square().mean()
"""
LONGER = SCRIPT.replace("model(x).square()", "(model(x) * 2).square()")
PATIENCE = 60_000


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    before = os.getcwd()
    os.chdir(folder)
    (folder / "net.py").write_text(SCRIPT)
    with Live("net.py") as it:
        it.script = folder / "net.py"
        follower = threading.Thread(target=it.follow)
        follower.start()
        yield it
    follower.join()
    os.chdir(before)


class Page:
    """The live page, with what it said and asked for."""

    def __init__(self, browser, url):
        self.context = browser.new_context(viewport={"width": 1280, "height": 720}, bypass_csp=False)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.said, self.asked = [], []
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def state(self, text):
        self.page.locator("#live-state", has_text=text).wait_for()

    def node(self, name):
        self.page.evaluate("name => { location.hash = `#node=${name}`; }", name)
        self.page.locator("#step code", has_text=name).first.wait_for()

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def drag(self, value):
        self.page.locator("#pinned-range").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", value
        )

    def scale(self):
        """How large the picture is drawn."""
        return self.page.locator("#graph svg").evaluate("e => parseFloat(e.style.width) / e.viewBox.baseVal.width")

    def reads(self, selector, expected):
        """Wait for this number."""
        end = time.monotonic() + PATIENCE / 1000
        while norm(self.text(selector)) != pytest.approx(expected, rel=2e-3) and time.monotonic() < end:
            self.page.wait_for_timeout(20)
        assert norm(self.text(selector)) == pytest.approx(expected, rel=2e-3)


def norm(text):
    return float(text.replace("−", "-").split("=")[1])


def gradient(**pinned):
    """‖∂loss/∂(2.weight)‖, by NumPy, with the first bias of the first layer pinned."""
    tg.manual_seed(0)
    model = tg.nn.Sequential(tg.nn.Linear(2, 3), tg.nn.ReLU(), tg.nn.Linear(3, 1))
    w1, b1, w2, b2 = (p.detach().numpy().astype(np.float64) for p in model.parameters())
    b1[0] = pinned.get("bias", b1[0])
    x = np.array([[0.5, -1.0], [1.5, 2.0]])
    h = np.maximum(x @ w1.T + b1, 0)
    return np.linalg.norm((h @ w2.T + b2).T @ h)


@pytest.mark.slow
def test_it_follows_keeps_its_place_and_says_what_is_wrong(browser, live):
    with Page(browser, live.url) as o:
        o.state("live")
        o.node("2.weight")
        o.page.locator("#tab-script").click()
        o.page.locator("#theme").click()
        for _ in range(4):
            o.page.keyboard.press("+")
        o.page.evaluate("document.getElementById('graph').scrollTo(30, 40)")
        place = o.page.evaluate("[graph.scrollLeft, graph.scrollTop]")
        scale = o.scale()
        step = o.text("#step-title")
        theme = o.page.locator("html").get_attribute("data-theme")

        live.script.write_text(LONGER)
        o.page.locator("#graph .box[aria-label^='mul ']").wait_for()
        o.page.locator("#step code", has_text="2.weight").first.wait_for()
        assert o.text("#step-title") != step, "its step has another number now"
        assert o.page.locator("#tab-script").get_attribute("aria-selected") == "true"
        assert o.page.locator("html").get_attribute("data-theme") == theme
        assert o.page.evaluate("[graph.scrollLeft, graph.scrollTop]") == place
        assert o.scale() == pytest.approx(scale, rel=0.01)

        o.page.locator("#present").click()
        live.script.write_text(SCRIPT + "loss = (")
        o.page.locator("#trouble", has_text="net.py, line 8: SyntaxError").wait_for()
        assert o.page.locator("#graph .box[aria-label^='mul ']").count() == 1, "the picture stays"
        live.script.write_text(SCRIPT + "loss.lost()\n")
        o.page.locator("#trouble", has_text="net.py, line 8: AttributeError").wait_for()
        o.page.locator("#graph .box[aria-label^='mean ']").wait_for()
        assert o.page.locator("#graph .box.failed").count() == 1
        assert "present" in o.page.locator("html").get_attribute("class").split()
        o.page.keyboard.press("Escape")
        live.script.write_text(SCRIPT)
        o.state("live")
        o.page.locator("#trouble").wait_for(state="hidden")
        assert o.said == []
        assert {url.split("?")[0] for url in o.asked} == {live.url, f"{live.url}after"}


@pytest.mark.slow
def test_a_slider_shows_what_the_engine_computes(browser, live, tmp_path):
    with Page(browser, live.url) as o:
        o.state("live")
        o.node("0.bias")
        o.page.get_by_role("button", name="Pin it").click()
        own = norm(o.text("#pinned output"))
        o.node("2.weight")
        assert norm(o.text("#step .gnorm")) == pytest.approx(gradient(), rel=1e-3)
        for value in (own + 0.5, own - 0.75):
            o.drag(value)
            shown = norm(o.text("#pinned output"))
            o.reads("#step .gnorm", gradient(bias=shown))
        with o.page.expect_download() as saved:
            o.page.locator("#save-page").click()
        saved.value.save_as(tmp_path / "saved.html")
        live.script.write_text(LONGER)
        o.page.locator("#graph .box[aria-label^='mul ']").wait_for()
        o.page.locator("#pinned").wait_for()
        assert norm(o.text("#pinned output")) == pytest.approx(shown), "it stays pinned"
        live.script.write_text(SCRIPT)
        o.page.locator("#graph .box[aria-label^='mul ']").wait_for(state="detached")
        o.page.get_by_role("button", name="Let go").click()
        o.page.locator("#pinned").wait_for(state="detached")
        assert o.said == []
    with Opened(browser, tmp_path / "saved.html", "#node=2.weight") as o:
        assert "21 values, recorded" in o.text("#pinned")
        assert len(o.requests) == 1


def test_an_offline_page_slides_through_what_was_recorded(browser, tmp_path):
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    values = [-1.0, 0.5, 1.0, 4.0]
    sweep = viz.sweep(lambda: (w * w).sum(), w, values, 0, names={"w": w})
    viz.html(sweep, tmp_path / "sweep.html")
    with Opened(browser, tmp_path / "sweep.html", "#node=w") as o:
        assert "w[0] = 1" in " ".join(o.text("#pinned").split())
        o.page.locator("#pinned-range").focus()
        o.key("Home")
        for value in values:
            assert norm(o.text("#step .gnorm")) == pytest.approx(np.hypot(2 * value, 4), rel=1e-3)
            assert norm(o.text("#pinned output")) == value
            o.key("ArrowRight")
        assert o.requests == [(tmp_path / "sweep.html").as_uri() + "#node=w"] or len(o.requests) == 1
        assert o.said == []


# whoever else asks, from a browser, even if the address has leaked

ATTACK = """<script>
const url = %s, out = {}, note = name => [() => { out[name] = "done"; }, () => { out[name] = "refused"; }];
const pin = { method: "POST", body: '{"node": "0.bias", "index": [0], "value": 9}' };
const loaded = (tag, name, seen) => new Promise(end => {
  const e = document.createElement(tag);
  e.onload = () => end(out[name] = seen(e) ? "done" : "refused");
  e.onerror = () => end(out[name] = "refused");
  e.src = url + (tag === "iframe" ? "" : "after?0");
  document.documentElement.append(e);
});
Promise.allSettled([
  fetch(url).then(...note("read")),
  fetch(url + "after?0").then(...note("state")),
  fetch(url + "pin", { ...pin, headers: { "Content-Type": "application/json" } }).then(...note("pin")),
  fetch(url + "pin", { ...pin, mode: "no-cors" }).then(r => { out.blind = r.type; }, note("blind")[1]),
  loaded("script", "script", () => true),
  loaded("iframe", "frame", e => { try { return e.contentDocument; } catch { return false; } }),
  new Promise(end => {
    const s = new WebSocket(url.replace("http", "ws") + "after");
    s.onopen = () => end(out.websocket = "done");
    s.onerror = () => end(out.websocket = "refused");
  }),
]).then(() => { document.title = JSON.stringify(out); });
</script>"""


class Other(http.server.BaseHTTPRequestHandler):
    """Another site, on another port of this machine."""

    def do_GET(self):
        body = self.server.body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def other_site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_page_of_another_site_gets_nothing(browser, live, other_site, monkeypatch):
    pinned = []
    monkeypatch.setattr(live, "pin", pinned.append)
    other_site.body = ATTACK % json.dumps(live.url)
    with Page(browser, f"http://127.0.0.1:{other_site.server_address[1]}/") as o:
        o.page.wait_for_function("document.title !== ''")
        got = json.loads(o.page.title())
    assert got.pop("blind") in ("opaque", "refused")  # it cannot see which
    assert set(got.values()) == {"refused"}
    assert len(got) == 6
    assert pinned == []


@pytest.mark.slow
def test_a_name_that_leads_here_gets_nothing(browser, live):
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
    page = other.new_page()
    with page.expect_response("**/*") as answer, contextlib.suppress(Exception):  # an empty answer is an error to it
        page.goto(live.url.replace("127.0.0.1", "evil.example"))
    assert answer.value.status == 421
    other.close()
