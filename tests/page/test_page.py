"""What people see on the status page, and what they do there."""

import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent import NAMES, Agent, wait_until
from browser import FAINT, FOCUS, STICKS_OUT, Browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WIDTHS = [360, 768, 1280]
POOL = '[[pool]]\nname = "standard"\nseats = {}\n'
APPROVE = '[seats]\njoiners = "approve"\n'


def setUpModule():
    global browser
    browser = Browser()
    unittest.addModuleCleanup(browser.close)


class Page(unittest.TestCase):
    """Tests with an agent of their own."""

    def agent(self, people, more, token=None):
        agent = Agent(people, more, token)
        self.addCleanup(agent.close)
        return agent.wait()

    def setUp(self):
        browser.size(1280)
        browser.scheme("light")
        browser.open("about:blank")
        browser.complaints(), browser.asked()

    def quiet(self):
        self.assertEqual(browser.complaints(), [])

    def comes_to_show(self, agent, css, texts):
        """The page follows a cycle within moments."""
        shown = []

        def shows():
            browser.open(agent.url)
            shown[:] = browser.texts(css)
            return shown == texts

        try:
            wait_until(css, shows)
        except AssertionError:
            self.assertEqual(shown, texts)


class Looks(Page):
    def test_it_fits_every_width_light_and_dark_and_asks_nobody_else(self):
        # Somebody has a seat, somebody waits, somebody is approved and waits; half of them vanish, and an entry is of no use.
        agent = self.agent(20, APPROVE + POOL.format(4))
        agent.run("pending", "approve", *[f"u{number:02}" for number in range(8, 13)])
        agent.write(10)
        agent.spoil()
        for _ in range(2):
            agent.run("sync", "--full")
        anchor = agent.run("pending")[1][0]["anchor"]
        self.comes_to_show(agent, "#held li", ["corp: 10 of 20 people would lose their seat or account; the limit is 3."])
        for path, name in [("/", "page"), (f"/explain?user={anchor}", "explain"), ("/explain?user=nobody", "refused"), ("/login", "login")]:
            for scheme in ["light", "dark"]:
                for width in WIDTHS:
                    with self.subTest(path=path, scheme=scheme, width=width):
                        browser.size(width)
                        browser.scheme(scheme)
                        browser.open(agent.url + path)
                        browser.screenshot(f"{name}-{scheme}-{width}")
                        self.assertEqual(browser.run(STICKS_OUT), [0, []])
                        self.assertEqual(browser.run(FAINT), [])
        asked = browser.asked()
        self.assertGreater(len(asked), 24)
        self.assertEqual([url for url in asked if not url.startswith(agent.url + "/")], [])
        # Nobody is known by that name, and the status says so.
        complaints = [complaint for complaint in browser.complaints() if "user=nobody" not in complaint]
        self.assertEqual(complaints, [])

    def test_what_the_policy_forbids_would_be_seen_here(self):
        agent = self.agent(1, POOL.format(1))
        browser.open(agent.url)
        self.quiet()
        browser.run("const i = new Image(); i.src = 'http://elsewhere.example/x'; document.body.append(i);"
                    "const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s);")
        seen = []
        wait_until("two complaints", lambda: seen.extend(browser.complaints()) or len(seen) >= 2)
        self.assertTrue(all("Content Security Policy" in complaint for complaint in seen), seen)
        self.assertEqual(browser.driver.title, "Seatsync: lab")

    def test_the_first_sentence_says_how_it_is(self):
        agent = self.agent(10, POOL.format(10))
        self.comes_to_show(agent, "#verdict", ["All is well, and nobody waits for a seat."])
        agent.write(13)
        agent.run("sync")
        self.comes_to_show(agent, "#verdict", ["All is well; 3 people wait for a seat."])
        agent.write(2)
        # Gone is who was missed twice.
        agent.run("sync")
        code, [report] = agent.run("sync", "--full")
        self.assertEqual(code, 4)
        held = "Somebody must look: the guard holds changes back until they are confirmed."
        self.comes_to_show(agent, "#verdict", [held])
        command = f"seatsync confirm {report['fingerprint']} --config {agent.config}"
        self.assertEqual(browser.text("#held pre"), command)
        browser.screenshot("held")
        (agent.path / "corp.ldif").unlink()
        agent.run("sync")

        def unread():
            browser.open(agent.url)
            return browser.text("#verdict").startswith("Not well: the directory corp could not be read: ")

        wait_until("the first sentence says why", unread)
        self.assertIn("Nobody loses anything by it", browser.text("#why"))
        browser.screenshot("unreachable")
        self.quiet()

    def test_who_waits_stands_in_order_and_every_name_is_text(self):
        agent = self.agent(len(NAMES) + 2, APPROVE + POOL.format(4))
        browser.open(agent.url)
        waiting = browser.texts("#waiting tbody a")
        self.assertEqual(waiting, agent.waiting())
        self.assertEqual(waiting[: len(NAMES)], NAMES)
        self.assertEqual(browser.texts("#waiting tbody td:nth-child(2)"), [str(place) for place in range(1, len(NAMES) + 3)])
        self.assertEqual(browser.all("script, img"), [])
        for name in NAMES:
            browser.open(agent.url)
            browser.driver.find_elements(By.LINK_TEXT, name)[0].click()
            self.assertEqual(browser.text("h1"), name)
            self.assertEqual(browser.driver.title, f"Seatsync: {name}")
        self.quiet()


class Decides(Page):
    def button(self, name, verdict):
        row = next(row for row in browser.all("#waiting tbody tr") if name in row.text)
        return row.find_element(By.CSS_SELECTOR, f"button[value={verdict}]")

    def told(self, word):
        """A click is over before its answer is there."""
        wait_until(word, lambda: browser.texts("#told") == [word])

    def test_a_click_gives_a_seat_or_denies_it(self):
        agent = self.agent(6, APPROVE + POOL.format(4))
        browser.open(agent.url)
        self.button(NAMES[1], "approve").click()
        self.told("Approved.")
        wait_until("active", lambda: agent.users("active") == {NAMES[1]})
        self.button(NAMES[3], "deny").click()
        self.told("Denied.")
        wait_until("denied", lambda: agent.users("denied") == {NAMES[3]})
        left = [NAMES[0], NAMES[2], NAMES[4], NAMES[5]]
        self.assertEqual(agent.waiting(), left)
        self.comes_to_show(agent, "#waiting tbody a", left)
        self.quiet()

    def test_the_keyboard_reaches_everything_in_order_and_one_sees_where(self):
        agent = self.agent(3, APPROVE + POOL.format(4))
        browser.open(agent.url)
        seen = []
        while True:
            ActionChains(browser.driver).send_keys(Keys.TAB).perform()
            focus = browser.run(FOCUS)
            if focus is None or len(seen) > 20:
                break
            self.assertTrue(focus["shown"] and focus["inside"], focus)
            if len(seen) == 4:
                browser.screenshot("focus")
            seen.append(focus["what"])
        rows = [word for name in NAMES[:3] for word in (name, "Approve", "Deny")]
        self.assertEqual(seen, ["Seatsync", "user", "Why?", *rows])
        browser.open(agent.url)
        ActionChains(browser.driver).send_keys(*[Keys.TAB] * 5, Keys.ENTER).perform()
        self.told("Approved.")
        wait_until("active", lambda: agent.users("active") == {NAMES[0]})
        # And somebody is looked for.
        ActionChains(browser.driver).send_keys(*[Keys.TAB] * 2, "u01", Keys.ENTER).perform()
        wait_until("it is explained", lambda: browser.texts("h1") == [NAMES[1]])
        self.quiet()


class Elsewhere(BaseHTTPRequestHandler):
    """A page of somebody else, who knows the agent's address and everything but what it shows."""

    def do_GET(self):
        user, url = self.server.user, self.server.target
        body = (
            f'<!doctype html><iframe src="{url}/"></iframe><form action="{url}/decide" method="post"><input name="csrf" value="{"0" * 64}">'
            f'<input name="user" value="{user}"><input name="pool" value="standard"><button name="verdict" value="approve">Win</button></form>'
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Strangers(Page):
    def test_over_tls_the_token_is_asked_for_once(self):
        agent = self.agent(2, APPROVE + POOL.format(4), token="0123456789abcdef")
        browser.open(agent.url)
        self.assertEqual(browser.driver.current_url, f"{agent.url}/login")
        for token, told in [("0123456789abcdeg", "That is not the token."), ("0123456789abcdef", "All is well; 2 people wait for a seat.")]:
            browser.all("input[type=password]")[0].send_keys(token, Keys.ENTER)
            wait_until(told, lambda: told in browser.texts("#told, #verdict"))
        browser.open(f"{agent.url}/explain?user=u01")
        self.assertEqual(browser.text("h1"), NAMES[1])
        [cookie] = browser.driver.get_cookies()
        self.assertTrue(cookie["secure"] and cookie["httpOnly"], cookie)
        self.assertEqual([complaint for complaint in browser.complaints() if "status of 403" not in complaint], [])
        self.assertTrue(all(url.startswith(f"{agent.url}/") for url in browser.asked() if url != "about:blank"))

    def test_another_sites_form_decides_nothing_and_its_frame_stays_empty(self):
        agent = self.agent(2, APPROVE + POOL.format(4))
        server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
        server.target, server.user = agent.url, agent.run("pending")[1][0]["anchor"]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        # The same site by another port is sent the cookie, another site is not.
        for host in ["127.0.0.1", "localhost"]:
            browser.open(agent.url)
            browser.open(f"http://{host}:{server.server_port}/")
            frame = browser.all("iframe")[0]
            browser.driver.switch_to.frame(frame)
            self.assertEqual(browser.all("#verdict"), [])
            browser.driver.switch_to.default_content()
            read = "return fetch(arguments[0]).then(() => 'read', () => 'refused')"
            self.assertEqual(browser.driver.execute_script(read, agent.url), "refused")
            browser.all("button")[0].click()
            self.assertIn("not one that this agent showed you", browser.text("#refused"))
        self.assertEqual(agent.users("active"), set())


if __name__ == "__main__":
    unittest.main()
