"""The page, served as it is, and visitors who look at it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving(**options) -> Iterator[str]:
    """Serve the application, and yield its address."""
    from fastnst.web.server import application, listen, server

    ready, before = threading.Event(), dict(os.environ)
    with application(**options) as app, listen("127.0.0.1", 0) as connection:
        running = server(app, ready.set)
        thread = threading.Thread(target=running.run, args=([connection],))
        thread.start()
        assert ready.wait(60)
        try:
            yield f"http://127.0.0.1:{connection.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(60)
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def visitor(browser) -> Iterator:
    """A page of a new visitor."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera"])
    asked = []

    def local(route) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), local)
    opened = context.new_page()
    opened.set_default_timeout(180_000)
    yield opened
    context.close()
    assert not asked


def drop(page, address, photo, query=""):
    """Open the page, drop a photo, and wait for the wall."""
    page.goto(f"{address}/{query}")
    page.wait_for_selector("#wall img")
    page.set_input_files("#photo input[type=file]", photo)
    page.wait_for_function("document.querySelector('#status').innerText.includes('Click a style')")


def click_style(page, name):
    """Click a style on the wall."""
    page.click(f"#wall .thumbnail-item:has-text('{name}')")


def wait_painted(page, name):
    """Wait for the picture at its full size."""
    page.wait_for_function(
        "name => document.querySelector('#status').innerText.includes(name)", arg=f"{name}, "
    )


def save_predicting_nets(folder):
    """Write two untrained nets, for photos and for real time, that paint in the styles one, two, and of any painting."""
    import torch

    from fastnst.exporting.export import export
    from fastnst.models import NetConfig, build_net, save_net
    from fastnst.styles.card import PaintingCredit, StyleCard

    torch.manual_seed(0)
    credits = (PaintingCredit(name="one"), PaintingCredit(name="two"))
    levels = 2
    for name in ("unet", "swift"):
        rows = 3 * levels + 1
        config = NetConfig(name, 8, 1, styles=rows, identity=True, levels=levels, predicted=levels)
        net = build_net(config)
        for part, value in net.named_parameters():
            if ".norm." in part:
                torch.nn.init.normal_(value, 1.0, 0.3)
        torch.nn.init.normal_(net.predictor.out.weight, 0.0, 0.1)
        card = StyleCard(name, credits, config.as_dict(), net.multiple_of, net.minimum, base=64)
        weights = folder / f"{name}.safetensors"
        save_net(weights, net, card)
        export(weights)
