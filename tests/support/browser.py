"""Run a page in a headless browser: the elements that its scripts have made, and the results of a driver script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = os.environ.get("NEUTRAL_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
REASON = "no chromium is installed: pages are tested without a browser only. NEUTRAL_BROWSER names one"

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--disable-features=IsolateSandboxedIframes",  # in a process of its own a frame has its own virtual time
    "--virtual-time-budget=5000",
)

RESULT = "driver-result"


def drive(html: str, driver: str, folder: Path, size: tuple[int, int] = (1200, 900)) -> tuple[Any, list[str]]:
    """Open a page and run a driver in it, after the scripts of the page.

    Args:
        html: The page; its policy is made to allow the driver, and nothing else.
        driver: The body of an asynchronous function in JavaScript, which returns a JSON value; ``await wait()`` waits
            until the page has been drawn.
        folder: A folder for the page and the browser's files.
        size: The width and height of the window, in pixels.

    Returns:
        The value of the driver, and the messages on the console: errors, and refusals by the policy.
    """
    run = _run(html, driver, folder, size, "--dump-dom")
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    content = run.stdout.partition(f'<pre id="{RESULT}" hidden="">')[2].partition("</pre>")[0]
    assert content, (console, run.stderr[-2000:])
    return json.loads(b64decode(content)), console


def screenshot(html: str, driver: str, path: Path, folder: Path, size: tuple[int, int]) -> None:
    """Write a PNG file of a page after a driver has run.

    Args:
        html: The page.
        driver: As of :func:`drive`.
        path: The file to write.
        folder: A folder for the page and the browser's files.
        size: The width and height of the window, in pixels.
    """
    _run(html, driver, folder, size, f"--screenshot={path}", "--hide-scrollbars")


def _run(
    html: str, driver: str, folder: Path, size: tuple[int, int], *options: str
) -> subprocess.CompletedProcess[str]:
    script = f"""
    const wait = async () => {{
      await new Promise((done) => setTimeout(done, 200));
      if (typeof view === "object") view?.drawNow(); // the next frame may be late in virtual time
    }};
    (async () => {{ {driver} }})().then((value) => value, (error) => "failed: " + error.stack).then((value) => {{
      const place = document.createElement("pre");
      place.id = "{RESULT}";
      place.hidden = true;
      place.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(value ?? null))));
      document.body.append(place);
    }});"""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    page = html.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    page = page.replace("</body>", f"<script>{script}</script></body>")
    (folder / "driven.html").write_text(page, encoding="utf-8")
    assert BROWSER is not None, REASON
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}", *options]
    return subprocess.run([*command, (folder / "driven.html").as_uri()], capture_output=True, text=True, timeout=300)
