"""Take a picture of each tab of the page, light and dark, wide and as on a phone.

    python scripts/web_screenshots.py --photo photo.jpg -o screenshots/

It needs `pip install -e '.[dev]'` and a Chromium. `--readme .github/page.webp` writes the README's picture too.
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from fastnst.web.server import application, listen, server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = {"wide": 1280, "phone": 390}
THEMES = ("light", "dark")
TABS = ("Photo", "Live", "Video", "Many", "Learn")
README_WIDTH = 960


@contextmanager
def serving() -> Iterator[str]:
    """Serve the page, and yield its address."""
    ready = threading.Event()
    with application() as app, listen("127.0.0.1", 0) as connection:
        running = server(app, ready.set)
        thread = threading.Thread(target=running.run, args=([connection],))
        thread.start()
        ready.wait()
        yield f"http://127.0.0.1:{connection.getsockname()[1]}"
        running.should_exit = True
        thread.join()


def paint(page: Any, photo: Path, style: str) -> None:
    """Drop a photo, click a style, and wait for the full size."""
    page.wait_for_selector("#wall img")
    page.set_input_files("#photo input[type=file]", photo)
    page.wait_for_function("document.querySelector('#status').innerText.includes('Click a style')")
    page.click(f"#wall .thumbnail-item:has-text('{style}')")
    page.wait_for_function("document.querySelector('#status').innerText.includes(' px, ')")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--readme", type=Path)
    parser.add_argument("--themes", choices=THEMES, nargs="+", default=THEMES)
    parser.add_argument("--widths", choices=WIDTHS, nargs="+", default=WIDTHS)
    parser.add_argument("--tabs", choices=TABS, nargs="+", default=TABS)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with serving() as address, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=flags)
        for theme in options.themes:
            for name in options.widths:
                page = opened.new_page(viewport={"width": WIDTHS[name], "height": 860})
                page.set_default_timeout(300_000)
                page.goto(f"{address}/?__theme={theme}")
                paint(page, options.photo, options.style)
                for tab in options.tabs:
                    if tab != "Photo":
                        _open_tab(page, tab)
                    if tab == "Live":
                        page.click("#live-start")
                        page.wait_for_timeout(3000)
                    page.wait_for_timeout(700)
                    path = options.output / f"{tab.lower()}-{theme}-{name}.png"
                    page.screenshot(path=path, full_page=True)
                    if options.readme and (tab, theme, name) == ("Photo", "light", "wide"):
                        _write_readme(path, options.readme)
                page.close()
        opened.close()


def _open_tab(page: Any, tab: str) -> None:
    found = page.get_by_role("tab", name=tab, exact=True)
    if not found.first.is_visible():  # On a phone, the rest of the tabs is behind a button.
        page.locator(".overflow-menu > button").first.click()
        found = page.locator(".overflow-dropdown button", has_text=tab)
    found.first.click()


def _write_readme(screenshot: Path, target: Path) -> None:
    with Image.open(screenshot) as image:
        height = round(image.height * README_WIDTH / image.width)
        image.convert("RGB").resize((README_WIDTH, height), Image.Resampling.LANCZOS).save(target)


if __name__ == "__main__":
    main()
