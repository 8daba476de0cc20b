"""LDIF (RFC 2849) and distinguished names (RFC 4514), as far as the oracle and the populations need them."""
import base64


def value_line(name, value):
    """One line of LDIF; base64 where the value needs it."""
    data = value if isinstance(value, bytes) else value.encode()
    plain = data and data[0] not in b" :<" and data[-1:] != b" " and all(32 <= byte < 127 for byte in data)
    if plain or not data:
        return f"{name}: {data.decode()}\n"
    return f"{name}:: {base64.b64encode(data).decode()}\n"


def entry(dn, attributes):
    """An entry; `attributes` is a list of (name, value), in order."""
    return value_line("dn", dn) + "".join(value_line(name, value) for name, value in attributes) + "\n"


def change(dn, kind, lines):
    return value_line("dn", dn) + f"changetype: {kind}\n" + "".join(lines) + "\n"


def replace(dn, name, value):
    return change(dn, "modify", [f"replace: {name}\n", value_line(name, value), "-\n"])


def escape(value):
    """A value as it stands in a DN."""
    special = "".join("\\" + letter if letter in '\\",+;<>=' else letter for letter in value)
    if special[:1] in (" ", "#"):
        special = "\\" + special
    return special[:-1] + "\\ " if special.endswith(" ") and special != "\\ " else special


def read(text):
    """The entries of LDIF as (dn, {lower-case name: [bytes]}). Comments, references and `version` are passed over."""
    for block in text.replace("\r\n", "\n").replace("\n ", "").split("\n\n"):
        dn, attributes = None, {}
        for line in block.split("\n"):
            name, colon, rest = line.partition(":")
            if not colon or line.startswith("#") or name == "version":
                continue
            value = base64.b64decode(rest[1:]) if rest.startswith(":") else rest.lstrip(" ").encode()
            if name == "dn":
                dn = value.decode()
            else:
                attributes.setdefault(name.lower(), []).append(value)
        if dn is not None:
            yield dn, attributes


def parts(dn):
    """A DN as a tuple of its RDNs, comparable however a server or a person wrote it: two spellings, one tuple."""
    rdns, values, letters = [], [], []

    def value_ends():
        kind, _, value = unescape(letters)
        values.append((kind.strip().casefold(), " ".join(value.split(" ")) if value.strip() else value))
        letters.clear()

    pending = iter(dn)
    for letter in pending:
        if letter == "\\":
            letters.append((letter + next(pending), True))
        elif letter in ",;+":
            value_ends()
            if letter != "+":
                rdns.append(tuple(sorted(values)))
                values = []
        else:
            letters.append((letter, False))
    if letters:
        value_ends()
        rdns.append(tuple(sorted(values)))
    return tuple(rdns)


def unescape(letters):
    """(type, "=", value): escapes undone, spaces around gone unless escaped, case folded."""
    while letters and letters[-1] == (" ", False):
        letters.pop()
    start = next(at for at, letter in enumerate(letters) if letter == ("=", False))
    kind = "".join(letter for letter, _ in letters[:start])
    value, data = letters[start + 1:], b""
    while value and value[0] == (" ", False):
        value.pop(0)
    at = 0
    while at < len(value):
        letter, escaped = value[at]
        after = value[at + 1][0] if at + 1 < len(value) else ""
        if escaped and letter[1] in "0123456789abcdefABCDEF" and len(after) == 1:
            data += bytes.fromhex(letter[1] + after)
            at += 1
        else:
            data += (letter[1:] if escaped else letter).encode()
        at += 1
    return kind, "=", data.decode("utf-8", "surrogateescape").casefold()


def under(dn, base):
    return len(base) <= len(dn) and dn[len(dn) - len(base):] == base
