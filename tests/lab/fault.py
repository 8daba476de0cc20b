#!/usr/bin/env python3
"""LDAP faults on demand, for tests. Plain LDAP on 127.0.0.1 only, Python's standard library only.

  fault.py proxy PORT HOST:PORT RULE[,RULE...]   a real server behind, faults in front of it
  fault.py serve PORT MODE [N]                   no server behind: what no real one sends

PORT 0 takes a free port. `listening on PORT` is printed when it answers. It ends when its standard input does.

Rules. Entries are counted over all connections, pages on each connection, so that a retry meets the same page:
  cut=N       close after N entries                     rst=N      reset after N entries
  stall=N     after N entries send nothing more         delay=MS   wait before each entry
  drop=K      swallow every K-th entry                  notice=N   Notice of Disconnection after N entries
  rc=C@K      page K ends with code C, no controls      rck=C@K    the same, but the page keeps its cookie
  nocookie=K  page K loses its controls, still code 0   bindrc=C   every bind is answered with code C
  dribble     one byte at a time                        refuse     accept and close at once
  blackhole   accept and never answer                   noreply=OP requests of this kind (search, bind, any) get no answer
  range=N     no more than N values at once, the rest by `;range=` (AD's MaxValRange)
  max=N       a search without paging ends after N entries with code 4 (AD's MaxPageSize)
  bytes=N     close after N bytes of all that the server sends on a connection
  syncrc=C    a content synchronisation (RFC 4533) or DirSync ends with code C, no controls
  syncdone    it ends with code 0, no controls
  syncempty   it ends as it does, and nothing of it comes before
  syncnothing the same, and its end (RFC 4533) says that nothing was to be told
  synccookie  it is asked with a cookie that no server ever gave: OpenLDAP then sends everything
  synccut     the connection ends in its midst             syncstall  nothing more comes from there on
  once        only the first connection meets the faults
  after=N     only connections after the first N meet them

`@FILE` in place of rules: they are read from that file with each connection.
"""
import asyncio
import socket
import struct
import sys

import ber
import broken

FOR_EVER = 3600
# Sync Done (RFC 4533 2.4) without a cookie: nobody is gone, and nothing is new.
NOTHING_NEW = ber.tlv(ber.SEQUENCE, ber.octets("1.3.6.1.4.1.4203.1.9.1.3") + ber.octets(ber.tlv(ber.SEQUENCE, ber.tlv(1, b"\xff"))))
BAD_CREDENTIALS = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 775, v4563"


class Gone(Exception):
    """The fault has ended this connection."""


class Rules:
    """What to do wrong, and how many entries have passed so far."""

    def __init__(self, text):
        self.file = text[1:] if text.startswith("@") else None
        self.wanted = {} if self.file else parsed(text)
        self.entries = 0
        self.connections = 0

    def for_next_connection(self):
        self.connections += 1
        if self.file:
            self.entries = 0
            with open(self.file) as rules:
                self.wanted = parsed(rules.read().strip())
        once_over = "once" in self.wanted and self.connections > 1
        too_early = self.connections <= int(self.wanted.get("after", 0))
        return {} if once_over or too_early else self.wanted


def parsed(text):
    return dict(rule.partition("=")[::2] for rule in text.split(","))


class Connection:
    """One client, the server behind it, and the faults between them."""

    def __init__(self, rules, client):
        self.rules = rules
        self.wanted = rules.for_next_connection()
        self.reader, self.writer = client
        self.paged = set()
        self.unpaged = {}
        self.syncs = set()
        self.pages = 0
        self.bytes = 0

    def reached(self, rule):
        return rule in self.wanted and self.rules.entries > int(self.wanted[rule])

    async def run(self, host, port):
        if "refuse" in self.wanted:
            return
        if "blackhole" in self.wanted:
            await asyncio.sleep(FOR_EVER)
        server_reader, server = await asyncio.open_connection(host, port)
        requests = asyncio.create_task(self.pass_requests(server))
        try:
            async for whole in ber.messages(server_reader):
                for answer in await self.bend(whole):
                    await self.send(answer)
        except (OSError, Gone):
            pass
        finally:
            requests.cancel()
            server.close()

    async def pass_requests(self, server):
        silent = {"search": (ber.SEARCH,), "bind": (ber.BIND,), "any": range(256)}.get(self.wanted.get("noreply"), ())
        try:
            async for whole in ber.messages(self.reader):
                message_id, tag, _, controls = ber.take_apart(whole)
                if tag == ber.SEARCH and (ber.SYNC in controls or ber.DIRSYNC in controls):
                    self.syncs.add(message_id)
                    if "synccookie" in self.wanted:
                        whole = with_another_cookie(whole)
                elif tag == ber.SEARCH and ber.PAGED in controls:
                    self.paged.add(message_id)
                elif tag == ber.SEARCH:
                    self.unpaged[message_id] = 0
                if tag not in silent:
                    server.write(whole)
                    await server.drain()
        except OSError:
            pass
        finally:
            server.close()

    async def send(self, data):
        if "bytes" in self.wanted:
            left = int(self.wanted["bytes"]) - self.bytes
            self.bytes += len(data)
            if len(data) > left:
                self.writer.write(data[:max(left, 0)])
                await self.writer.drain()
                raise Gone
        if "dribble" not in self.wanted:
            self.writer.write(data)
            await self.writer.drain()
            return
        for at in range(len(data)):
            self.writer.write(data[at:at + 1])
            await self.writer.drain()
            await asyncio.sleep(0)

    async def bend(self, whole):
        """What the client gets instead of this message of the server: a list of messages."""
        message_id, tag, content, controls = ber.take_apart(whole)
        if tag == ber.BIND_DONE and "bindrc" in self.wanted:
            return [ber.message(message_id, ber.result(tag, int(self.wanted["bindrc"]), BAD_CREDENTIALS))]
        if message_id in self.syncs:
            replaced = await self.bend_sync(message_id, tag, content)
            if replaced is not None:
                return replaced
        if "max" in self.wanted and message_id in self.unpaged:
            replaced = self.over_the_limit(message_id, tag)
            if replaced is not None:
                return replaced
        if tag == ber.ENTRY:
            return await self.bend_entry(whole, message_id, content, controls)
        if tag == ber.SEARCH_DONE and message_id in self.paged:
            self.pages += 1
            return [self.bend_page_end(whole, message_id, content, controls)]
        return [whole]

    async def bend_sync(self, message_id, tag, content):
        """What stands for a message of a synchronisation; None lets it pass."""
        if "synccut" in self.wanted:
            raise Gone
        if "syncstall" in self.wanted:
            await asyncio.sleep(FOR_EVER)
        if tag != ber.SEARCH_DONE:
            return [] if "syncempty" in self.wanted or "syncnothing" in self.wanted else None
        if "syncnothing" in self.wanted:
            return [ber.message(message_id, ber.tlv(tag, content), NOTHING_NEW)]
        if "syncrc" in self.wanted:
            return [ber.message(message_id, ber.result(tag, int(self.wanted["syncrc"]), "made by the test"))]
        if "syncdone" in self.wanted:
            return [ber.message(message_id, ber.tlv(tag, content))]
        return None

    def over_the_limit(self, message_id, tag):
        """AD ends an unpaged search at its limit; None lets the message pass."""
        count = self.unpaged[message_id]
        if count is None:
            return []
        if tag != ber.ENTRY:
            return None
        self.unpaged[message_id] = count + 1
        if count < int(self.wanted["max"]):
            return None
        self.unpaged[message_id] = None
        return [ber.message(message_id, ber.result(ber.SEARCH_DONE, 4, "00002079: SizeLimitExceeded"))]

    async def bend_entry(self, whole, message_id, content, controls):
        self.rules.entries += 1
        if "drop" in self.wanted and self.rules.entries % int(self.wanted["drop"]) == 0:
            return []
        if "delay" in self.wanted:
            await asyncio.sleep(float(self.wanted["delay"]) / 1000)
        if self.reached("cut"):
            raise Gone
        if self.reached("rst"):
            reset(self.writer)
            raise Gone
        if self.reached("stall"):
            await asyncio.sleep(FOR_EVER)
        if self.reached("notice"):
            await self.send(ber.notice("going down"))
            raise Gone
        if "range" in self.wanted:
            return [ber.message(message_id, cut_to_ranges(content, int(self.wanted["range"])), controls)]
        return [whole]

    def bend_page_end(self, whole, message_id, content, controls):
        for rule in ("rc", "rck"):
            code, _, page = self.wanted.get(rule, "").partition("@")
            if code and self.pages == int(page or 1):
                elsewhere = ["ldap://127.0.0.1:1/dc=elsewhere"] if code == "10" else ()
                done = ber.result(ber.SEARCH_DONE, int(code), "made by the test", elsewhere)
                return ber.message(message_id, done, controls if rule == "rck" else b"")
        if "nocookie" in self.wanted and self.pages == int(self.wanted["nocookie"]):
            return ber.message(message_id, ber.tlv(ber.SEARCH_DONE, content))
        return whole


def with_another_cookie(whole):
    """A synchronisation that is asked with a cookie of no server's; mode and the rest as they are."""
    message_id, tag, content, controls = ber.take_apart(whole)
    bent = b""
    for _, control in ber.elements(controls):
        parts = list(ber.elements(control))
        if parts[0][1] in (ber.SYNC, ber.DIRSYNC):
            (_, value), = ber.elements(parts[-1][1])
            kept = b"".join(ber.tlv(kind, it) if kind != ber.OCTETS else ber.octets("nonsense") for kind, it in ber.elements(value))
            parts[-1] = (ber.OCTETS, ber.tlv(ber.SEQUENCE, kept))
        bent += ber.tlv(ber.SEQUENCE, b"".join(ber.tlv(kind, it) for kind, it in parts))
    return ber.message(message_id, ber.tlv(tag, content), bent)


def cut_to_ranges(content, limit):
    """The entry as a server shows it that gives no more than `limit` values at once (MS-ADTS, range retrieval)."""
    (_, dn), (_, attributes) = ber.elements(content)
    shown = []
    for _, one in ber.elements(attributes):
        (_, name), (_, values) = ber.elements(one)
        values = [value for _, value in ber.elements(values)]
        if len(values) > limit:
            plain, _, asked = name.partition(b";range=")
            low = int(asked.split(b"-")[0]) if asked else 0
            if not asked:
                shown.append((name, []))
            name = plain + b";range=%d-%d" % (low, low + limit - 1)
            values = values[:limit]
        shown.append((name, values))
    return ber.entry(dn, shown)


def reset(writer):
    linger_not = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    writer.transport.abort()


async def listen(port, handle):
    async def one(reader, writer):
        try:
            await handle(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", port)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    # Whoever started us holds the other end of our standard input: when it ends, however it does, so do we.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main(kind, port, what, *rest):
    if kind == "proxy":
        rules = Rules(rest[0] if rest else "delay=0")
        host, _, server_port = what.rpartition(":")

        async def handle(reader, writer):
            await Connection(rules, (reader, writer)).run(host, int(server_port))
    else:
        count = int(rest[0]) if rest else None

        async def handle(reader, writer):
            await broken.serve(what, count, reader, writer)

    asyncio.run(stop_with_input(listen(int(port), handle)))


async def stop_with_input(listening):
    await listening
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
