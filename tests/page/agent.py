"""The real agent, with a company in an LDIF file whose people have names of all kinds."""

import base64
import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

BASE = "ou=people,dc=lab,dc=test"
# Said first, so they wait first: everyone was created at once, and their anchors follow the number.
NAMES = [
    "Ada Lovelace",
    "Zoë 🦊 Fuchs",
    "دينا الخطيب",
    "<script>document.title='taken'</script>",
    "\"><img src=//elsewhere.example/x onerror=alert(1)>",
    "Bartholomew-Maximilian von und zu Hohenstein-Württemberg-Oberammergau",
    "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenauszahlungsstelle",
    "山田 花子",
]
SOON = 20


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_until(what, ready, seconds=SOON):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


class Agent:
    """A running agent. `more` is config: tables that are not [agent], [[directory]], [backend], [status]. `token`: it is
    there for others than this machine, over TLS, who know this token."""

    def __init__(self, people, more, token=None):
        self.program = os.environ["SEATSYNC"]
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        port, self.token = free_port(), token
        self.url = f"https://localhost:{port}" if token else f"http://127.0.0.1:{port}"
        listen = f'listen = "127.0.0.1:{port}"\n'
        if token:
            self.certify()
            listen = f'listen = "0.0.0.0:{port}"\ntls_cert = "status.pem"\ntls_key = "status.key"\ntoken = {{ file = "status.token" }}\n'
        self.config = self.path / "seatsync.toml"
        self.config.write_text(
            f'[agent]\nname = "lab"\nstate_dir = "state"\npoll = "1h"\n'
            f'[[directory]]\nname = "corp"\nkind = "ldif"\npath = "corp.ldif"\nbase = ["{BASE}"]\n'
            f'[backend]\nkind = "embedded"\ncompany = "acme"\npath = "ledger.db"\n'
            f"[status]\n{listen}{more}"
        )
        self.config.chmod(0o600)
        self.write(people)
        self.log = open(self.path / "log", "wb")
        self.process = subprocess.Popen(self.command("run"), stdout=self.log, stderr=self.log, cwd=self.path)

    def certify(self):
        """A certificate that vouches for itself, its key, and the token, none of which others may read."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "status.key"]
        name = ["-x509", "-out", "status.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(["openssl", "req", *key, *name], check=True, capture_output=True, cwd=self.path)
        (self.path / "status.token").write_text(self.token)
        for secret in ["status.key", "status.token"]:
            (self.path / secret).chmod(0o600)

    def command(self, *arguments):
        return [self.program, "--config", str(self.config), *arguments]

    def run(self, *arguments):
        """A verb's exit code and its JSON, a list of lines."""
        ended = subprocess.run(self.command("--json", *arguments), capture_output=True, text=True, cwd=self.path, timeout=60)
        return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]

    def users(self, state):
        """Names of those in a state."""
        return {user["display_name"] for user in self.run("users", "--state", state)[1]}

    def waiting(self):
        """Names of those who wait, in order."""
        return [row["display_name"] for row in self.run("pending")[1]]

    def write(self, people):
        """The directory: so many people, the first with the names above."""
        entries = [f"dn: {BASE}\nobjectClass: organizationalUnit\nou: people\n"]
        for number in range(people):
            name = NAMES[number] if number < len(NAMES) else f"Person {number}"
            entries.append(
                f"dn: uid=u{number:02},{BASE}\nobjectClass: inetOrgPerson\nuid: u{number:02}\n"
                f"cn:: {base64.b64encode(name.encode()).decode()}\nsn: x\nmail: u{number:02}@lab.test\n"
                f"entryUUID: {uuid.UUID(int=number + 1)}\ncreateTimestamp: 20240101000000Z\n"
            )
        self.write_raw("\n".join(entries))

    def write_raw(self, text):
        (self.path / "corp.ldif").write_text(text)

    def spoil(self):
        """An entry that cannot be used."""
        with open(self.path / "corp.ldif", "a") as ldif:
            ldif.write(f"\ndn: uid=nomail,{BASE}\nobjectClass: inetOrgPerson\nuid: nomail\ncn: No Mail\nsn: x\nentryUUID: {uuid.UUID(int=999)}\n")

    def ready(self):
        """Whether it made a good cycle, as /readyz says it."""
        asked = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        try:
            return urllib.request.urlopen(asked, timeout=5, context=ssl._create_unverified_context()).status == 200
        except OSError:
            assert self.process.poll() is None, (self.path / "log").read_text()
            return False

    def wait(self):
        wait_until("the agent is ready", self.ready)
        return self

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()
