"""Photographs of the pages that draw.py wrote: by day, by night, on a phone, on paper, and on a projector.

    python examples/graphs/draw.py --into graphs
    python examples/graphs/look.py graphs                  all of them, into graphs/looks/
    python examples/graphs/look.py graphs lenet unet       these

Needs playwright, and a chromium on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

SCREEN, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": SCREEN, "color_scheme": "light"},
    "dark": {"viewport": SCREEN, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2},
    "paper": {"viewport": SCREEN},
    "projector": {"viewport": SCREEN},
}


def photograph(browser, path: Path, look: str, to: Path, share: float = 0.4) -> None:
    """One page in one look, at a step that lies at this share of the way back."""
    context = browser.new_context(offline=True, **LOOKS[look])
    page = context.new_page()
    page.goto(path.as_uri())
    count = page.locator("#steps li").count()
    page.goto(f"{path.as_uri()}#step={max(1, round(share * count))}")
    page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    if look == "paper":
        page.pdf(path=to / f"{path.stem}-{look}.pdf", format="A4", print_background=True)
    elif look == "projector":
        page.keyboard.press("f")
        page.screenshot(path=to / f"{path.stem}-{look}.png")
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        page.screenshot(path=to / f"{path.stem}-{look}-rule.png")
    else:
        page.screenshot(path=to / f"{path.stem}-{look}.png")
    context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the pages are")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the pages (default: all)")
    parser.add_argument("--looks", nargs="*", choices=LOOKS, default=list(LOOKS), help="which ones (default: all)")
    args = parser.parse_args()
    to = args.folder / "looks"
    to.mkdir(exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for path in sorted(args.folder.glob("*.html")):
            if not args.names or path.stem in args.names:
                for look in args.looks:
                    photograph(browser, path.resolve(), look, to)
                print(path.stem, *args.looks)
        browser.close()


if __name__ == "__main__":
    main()
