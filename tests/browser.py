"""Headless Chromium through its own driver's HTTP interface: enough of it to look at a static site."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


class Browser:
    """``with Browser(profile_folder) as browser``: one page at a time; further flags of Chromium's may follow."""

    def __init__(self, profile: Path, *flags: str):
        self.profile, self._flags = profile, (*_FLAGS, *flags)

    def __enter__(self) -> "Browser":
        self._log = (self.profile.parent / "chromedriver.log").open("w+")
        self._driver = self._start_driver()
        try:
            self._port = self._wait_for_port()
            options = {"binary": CHROMIUM, "args": [*self._flags, f"--user-data-dir={self.profile}"]}
            logging = {"performance": "ALL", "browser": "ALL"}
            wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": logging}}
            self._session = ""
            self._session = "/session/" + self._call("/session", {"capabilities": wanted})["sessionId"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            self._call("", None, method="DELETE")
        finally:
            self._end()

    def _end(self) -> None:
        self._driver.terminate()
        self._driver.wait(20)
        self._log.close()

    def _start_driver(self) -> subprocess.Popen:
        """The driver takes a port that is free under IPv6, and ends if it is not under IPv4."""
        return subprocess.Popen([DRIVER, "--port=0"], stdout=self._log, stderr=subprocess.STDOUT)

    def _wait_for_port(self) -> int:
        for _ in range(400):
            text = Path(self._log.name).read_text()
            if self._driver.poll() is not None:
                self._driver = self._start_driver()
            if "started successfully on port " in text:
                return int(text.split("started successfully on port ")[1].split(".")[0])
            time.sleep(0.05)
        raise TimeoutError(f"chromedriver did not start: {Path(self._log.name).read_text()}")

    def _call(self, path, body, method="POST"):
        url = f"http://127.0.0.1:{self._port}{self._session}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.loads(answer.read())["value"]

    def command(self, name: str, **parameters):
        """A command of the DevTools protocol."""
        return self._call("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, page: Path) -> None:
        """Loads a file and waits for its load event."""
        self._call("/url", {"url": page.absolute().as_uri()})

    def run(self, script: str):
        """The value of a function body."""
        return self._call("/execute/sync", {"script": script, "args": []})

    def wait_for(self, script: str):
        """The value that a function body passes to ``done``."""
        return self._call("/execute/async", {"script": f"const done = arguments[0];\n{script}", "args": []})

    def look(self, *, width: int, height: int, scheme: str = "light") -> None:
        """Size of the window, and the preferred colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        """A PNG of what the window shows."""
        path.write_bytes(base64.b64decode(self._call("/screenshot", None, method="GET")))

    def log(self, kind: str) -> list[dict]:
        """What came since the last call: ``browser`` messages, or ``performance`` events."""
        return self._call("/se/log", {"type": kind})

    def requested(self) -> set[str]:
        """Addresses that were asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
