"""The little BER that LDAP messages need (X.690, RFC 4511): to take them apart and to make them."""
import struct

INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x02, 0x04, 0x0A, 0x30, 0x31
BIND, BIND_DONE, UNBIND, ABANDON = 0x60, 0x61, 0x42, 0x50
SEARCH, ENTRY, SEARCH_DONE, REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED, EXTENDED_DONE, INTERMEDIATE = 0x77, 0x78, 0x79
CONTROLS, REFERRAL, RESPONSE_NAME = 0xA0, 0xA3, 0x8A

PAGED = b"1.2.840.113556.1.4.319"
DIRSYNC = b"1.2.840.113556.1.4.841"
SYNC = b"1.3.6.1.4.1.4203.1.9.1.1"
NOTICE_OF_DISCONNECTION = "1.3.6.1.4.1.1466.20036"


def tlv(tag, content):
    """One element: tag, length, content."""
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x84" + struct.pack(">I", size)
    return bytes([tag]) + length + content


def integer(number, tag=INTEGER):
    return tlv(tag, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def octets(value, tag=OCTETS):
    return tlv(tag, value if isinstance(value, bytes) else value.encode())


def message(message_id, operation, controls=b""):
    return tlv(SEQUENCE, integer(message_id) + operation + (tlv(CONTROLS, controls) if controls else b""))


def result(tag, code, text="", referrals=(), tail=b""):
    """An LDAPResult as the operation `tag`; `tail` is what an extended response has after it."""
    refs = tlv(REFERRAL, b"".join(octets(url) for url in referrals)) if referrals else b""
    return tlv(tag, integer(code, ENUMERATED) + octets("") + octets(text) + refs + tail)


def notice(text, tag=RESPONSE_NAME):
    """A Notice of Disconnection: 52, unavailable."""
    return message(0, result(EXTENDED_DONE, 52, text, tail=octets(NOTICE_OF_DISCONNECTION, tag)))


def attribute(name, values):
    return tlv(SEQUENCE, octets(name) + tlv(SET, b"".join(octets(value) for value in values)))


def entry(dn, attributes):
    return tlv(ENTRY, octets(dn) + tlv(SEQUENCE, b"".join(attribute(name, values) for name, values in attributes)))


def paging_control(cookie):
    return tlv(SEQUENCE, octets(PAGED) + octets(tlv(SEQUENCE, integer(0) + octets(cookie))))


def header(data, at=0):
    """(tag, length of the header, length of the content) of the element at `at`; None while it is incomplete."""
    if len(data) < at + 2:
        return None
    first = data[at + 1]
    if first < 128:
        return data[at], 2, first
    count = first & 127
    if len(data) < at + 2 + count:
        return None
    return data[at], 2 + count, int.from_bytes(data[at + 2:at + 2 + count], "big")


def elements(content):
    """The (tag, content) pairs that `content` is made of."""
    at = 0
    while at < len(content):
        tag, head, size = header(content, at)
        yield tag, content[at + head:at + head + size]
        at += head + size


def take_apart(whole):
    """A message as (id, tag of the operation, content of the operation, content of the controls)."""
    (_, content), = elements(whole)
    parts = list(elements(content))
    controls = parts[2][1] if len(parts) > 2 else b""
    return int.from_bytes(parts[0][1], "big"), parts[1][0], parts[1][1], controls


async def messages(reader):
    """The messages of one connection, whole ones only, as bytes."""
    buffer = b""
    while True:
        found = header(buffer)
        if found and len(buffer) >= found[1] + found[2]:
            end = found[1] + found[2]
            yield buffer[:end]
            buffer = buffer[end:]
            continue
        data = await reader.read(65536)
        if not data:
            return
        buffer += data
