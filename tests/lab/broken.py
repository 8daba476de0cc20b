"""A server that sends what no real one should: `fault.py serve PORT MODE`. Every mode is one function below."""
import asyncio
import struct

from ber import (
    BIND, BIND_DONE, ENTRY, EXTENDED, EXTENDED_DONE, REFERENCE, SEARCH, SEARCH_DONE, SEQUENCE, UNBIND,
    entry, integer, message, messages, notice, octets, paging_control, result, take_apart, tlv,
)

FOR_EVER = 3600
ONE = entry("cn=a", [("cn", ["a"])])


class Request:
    """A search to be answered badly: its id, which search of the connection it is, and the mode's number, if any."""

    def __init__(self, message_id, page, count, writer):
        self.id, self.page, self.count, self.writer = message_id, page, count, writer
        self.done = message(message_id, result(SEARCH_DONE, 0))

    def say(self, operation, controls=b""):
        self.writer.write(message(self.id, operation, controls))


class Close(Exception):
    """The mode ends the connection."""


def deep(request):
    """Elements within elements, 20,000 times: too deep for a parser that calls itself."""
    nested = b""
    for _ in range(request.count or 20_000):
        nested = b"\x30\x84" + struct.pack(">I", len(nested)) + nested
    request.say(tlv(ENTRY, octets("cn=x") + nested))


async def huge(request):
    """A message that says 2 GiB and keeps coming (600 MiB of it)."""
    request.writer.write(b"\x30\x84\x7f\xff\xff\xff" + integer(request.id))
    for _ in range(request.count or 600):
        request.writer.write(b"\0" * 1_048_576)
        await request.writer.drain()
    await asyncio.sleep(FOR_EVER)


def garbage(request):
    request.writer.write(b"\xff" * 64)


def badinner(request):
    """A length inside the message that reaches past its end."""
    request.say(tlv(ENTRY, octets("cn=x") + b"\x30\x20"))
    request.writer.write(request.done)


def badop(request):
    """An operation that LDAP does not have."""
    request.say(tlv(0x6F, b""))


def badutf8dn(request):
    request.say(entry(b"cn=\xff\xfe", [("cn", ["a"])]))
    request.writer.write(request.done)


def dupattr(request):
    """One attribute twice, and one with text and bytes among its values."""
    values = [("mail", ["one"]), ("mail", ["two"]), ("jpegPhoto", [b"\xff\x01", b"text", b"\xff\x02"])]
    request.say(entry("cn=a", values))
    request.writer.write(request.done)


def wrongid(request):
    """Answers to a question nobody asked."""
    request.writer.write(message(request.id + 77, ONE) + message(request.id + 77, result(SEARCH_DONE, 0)))


def halfmsg(request):
    request.say(ONE)
    request.writer.write(message(request.id, ONE)[:9])
    raise Close


def loopcookie(request):
    """The same cookie for ever: a client that follows it never ends."""
    request.say(ONE)
    request.say(result(SEARCH_DONE, 0), paging_control("again"))


def longloop(request):
    """49 empty pages before the last: slow, and right."""
    request.say(result(SEARCH_DONE, 0), paging_control(f"page {request.page}" if request.page < 50 else ""))


def bigvalues(request):
    """One group of a million members."""
    members = [f"uid=u{number:07d},ou=people,dc=lab,dc=test" for number in range(request.count or 1_000_000)]
    request.say(entry("cn=g", [("member", members)]))
    request.writer.write(request.done)


def adnotice(request):
    """The Notice of Disconnection as AD sends it: its name outside of the response."""
    outside = result(EXTENDED_DONE, 52, "idle")
    request.writer.write(tlv(SEQUENCE, integer(0) + outside + octets("1.3.6.1.4.1.1466.20036", 0x8A)))
    raise Close


def earlynotice(request):
    """The Notice of Disconnection as RFC 4511 has it."""
    request.writer.write(notice("going down"))
    raise Close


def refs(request):
    """A reference to another server among the entries."""
    request.say(tlv(REFERENCE, octets("ldap://127.0.0.1:1/dc=x??sub")))
    request.say(ONE)
    request.writer.write(request.done)


def referral(request):
    request.say(result(SEARCH_DONE, 10, "", ["ldap://127.0.0.1:1/dc=y"]))


def slowbind(request):
    """Only the bind is bad: it is never answered."""
    request.say(ONE)
    request.writer.write(request.done)


MODES = {
    mode.__name__: mode
    for mode in (deep, huge, garbage, badinner, badop, badutf8dn, dupattr, wrongid, halfmsg, loopcookie, longloop,
                 bigvalues, adnotice, earlynotice, refs, referral, slowbind)
}


async def serve(mode, count, reader, writer):
    """Answers one client: binds well (but in `slowbind`), searches as the mode says."""
    answer = MODES[mode]
    page = 0
    async for whole in messages(reader):
        message_id, tag, _, _ = take_apart(whole)
        if tag == UNBIND:
            return
        if tag == BIND and mode == "slowbind":
            await asyncio.sleep(FOR_EVER)
        elif tag == BIND:
            writer.write(message(message_id, result(BIND_DONE, 0)))
        elif tag == EXTENDED:
            writer.write(message(message_id, result(EXTENDED_DONE, 0)))
        elif tag == SEARCH:
            page += 1
            try:
                going_on = answer(Request(message_id, page, count, writer))
                if going_on is not None:
                    await going_on
            except Close:
                await writer.drain()
                return
        await writer.drain()
