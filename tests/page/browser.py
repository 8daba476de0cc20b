"""Chromium without a window, and what it thinks of a page."""

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

from agent import wait_until
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

# What sticks out to the right of a page this wide.
STICKS_OUT = """
const width = document.documentElement.clientWidth;
const out = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 0.5);
return [document.documentElement.scrollWidth - width, out.map(e => e.outerHTML.slice(0, 120))];
"""

# Text with less contrast to what is behind it than WCAG 2 asks for (1.4.3: 4.5 to 1). Nothing here is see-through.
FAINT = """
const parse = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return null; };
const faint = [];
for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg') || e.disabled || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const back = behind(e), [a, b] = [light(parse(getComputedStyle(e).color)), back && light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (!back || ratio < 4.5) faint.push([ratio, e.outerHTML.slice(0, 120)]);
}
return faint;
"""

# The element that has the focus, and whether one sees it.
FOCUS = """
const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
if (e === document.body) return null;
return {what: e.textContent.trim() || e.name, y: Math.round(box.top + scrollY), shown: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inside: box.top >= 0 && box.bottom <= innerHeight};
"""


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp()
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ["--headless=new", "--no-proxy-server", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={self.profile}"]:
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # Of a certificate that no authority vouches for, like the tests' own.
        options.accept_insecure_certs = True
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(20)

    def size(self, width, height=900):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url):
        self.driver.get(url)

    def text(self, css):
        """Of the first such element, once it is there: a click is over before its answer has come."""
        found = []
        wait_until(css, lambda: found.extend(self.texts(css)) or found)
        return found[0]

    def texts(self, css):
        try:
            return [found.text for found in self.driver.find_elements(By.CSS_SELECTOR, css)]
        except StaleElementReferenceException:  # of a page that is just left
            return []

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def run(self, script):
        return self.driver.execute_script(script)

    def complaints(self):
        """What the console said since the last time: errors, and what the page's policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self):
        """Addresses asked for since the last time."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]

    def screenshot(self, name):
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        (Path(os.environ["SCREENSHOTS"]) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)
