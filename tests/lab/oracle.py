#!/usr/bin/env python3
"""Who should have what, worked out a second time: by other code, from the same config and directory.

  oracle.py check CONFIG USERS [--before FILE] [--write FILE]

USERS is what `seatsync users --json` printed after its cycles. The whole directory is read with ldapsearch, or from its
LDIF file; people, groups, scope, pools and scarce seats are judged here, person by person, and compared. --write keeps
the expectation, --before takes the one of the cycles before: then people have accounts already.

Not worked out: filters in LDIF, `match = "all"`, fallback, approvals, seats short in a later cycle.
"""
import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tomllib
import uuid

import ldif

ACTIVE_DIRECTORY, OPENLDAP, LDIF_FILE = "active-directory", "openldap", "ldif"
NAMES = {ACTIVE_DIRECTORY: ("userPrincipalName", "mail")}
MAIL = re.compile(r'[^\s<>()\[\]\\,;:"@]+@[^\s<>()\[\]\\,;:"@.]+(\.[^\s<>()\[\]\\,;:"@.]+)*')
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f\x7f-\x9f]")
FOR_GOOD = b"000001010000Z"


def text(entry, name):
    """The one value of an attribute: None where there is none, False where it is no text."""
    values = entry.get(name.lower(), [])
    if not values or not values[0].strip():
        return None
    try:
        value = values[0].decode().strip()
    except UnicodeDecodeError:
        return False
    return False if re.search("[\x00-\x1f\x7f-\x9f]", value) else value


def moment(value):
    """A GeneralizedTime in UTC, as both servers write it."""
    return datetime.datetime.strptime(re.sub(r"\.\d+", "", value.decode()), "%Y%m%d%H%M%SZ")


class Directory:
    """One directory of the config: every entry it has, and who of them is who."""

    def __init__(self, config, folder, now):
        self.config, self.folder, self.now = config, folder, now
        self.name, self.kind = config["name"], config["kind"]
        self.user_name, self.email = NAMES.get(self.kind, ("uid", "mail"))
        self.entries, self.dns = {}, {}
        for dn, entry in self.read():
            self.entries[ldif.parts(dn)] = entry
            self.dns[ldif.parts(dn)] = dn
        self.matching = self.filtered()
        self.rids = self.by_primary_group()
        self.uids = {}
        for dn, entry in self.entries.items():
            for uid in entry.get("uid", []):
                self.uids.setdefault(uid.decode("utf-8", "replace").casefold(), set()).add(dn)

    def read(self):
        if self.kind == LDIF_FILE:
            with open(os.path.join(self.folder, self.config["path"]), encoding="utf-8") as file:
                return list(ldif.read(file.read()))
        contexts = next(ldif.read(self.search("", "base", "(objectClass=*)", "namingContexts")))[1]["namingcontexts"]
        bases = [context.decode() for context in contexts]
        top = [base for base in bases if not any(ldif.under(ldif.parts(base), ldif.parts(other)) and base != other
                                                 for other in bases)]
        return [found for base in top for found in ldif.read(self.search(base, "sub", "(objectClass=*)", "*", "+"))]

    def search(self, base, scope, query, *attributes):
        config = self.config
        password = config["bind_password"]
        with open(os.path.join(self.folder, password["file"]), encoding="utf-8") as file:
            secret = file.read().strip()
        url = config["url"][0] if isinstance(config["url"], list) else config["url"]
        command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", url, "-D", config["bind_dn"], "-w", secret,
                   "-b", base, "-s", scope]
        command += ["-E", "pr=500/noprompt"] if scope == "sub" else []
        command += ["-ZZ"] if config.get("start_tls") else []
        environment = {**os.environ, "LDAPTLS_CACERT": os.path.join(self.folder, config.get("ca_file", ""))}
        found = subprocess.run([*command, query, *attributes], env=environment, capture_output=True, check=False)
        if found.returncode != 0:
            sys.exit(f"ldapsearch under {base!r}: {found.stderr.decode()}")
        return found.stdout.decode()

    def filtered(self):
        """The DNs that match the config's filter; None where it has none."""
        if "filter" not in self.config:
            return None
        if self.kind == LDIF_FILE:
            sys.exit("the oracle has no filters of its own")
        found = (dn for base in self.config["base"] for dn, _ in
                 ldif.read(self.search(base, "sub", self.config["filter"], "1.1")))
        return {ldif.parts(dn) for dn in found}

    def by_primary_group(self):
        found = {}
        for dn, entry in self.entries.items():
            for rid in entry.get("primarygroupid", []):
                found.setdefault(int(rid), set()).add(dn)
        return found

    def is_person(self, entry):
        classes = {value.decode().casefold() for value in entry.get("objectclass", [])}
        people = bool(classes & {"person", "inetorgperson", "posixaccount"})
        if self.kind == OPENLDAP:
            return people
        category = entry.get("objectcategory", [b"CN=Person,"])[0].decode().casefold()
        human = category.startswith("cn=person,") and not classes & {"computer", "contact"}
        return human and ("user" in classes or (self.kind == LDIF_FILE and people))

    def anchor(self, entry):
        if "objectguid" in entry:
            return str(uuid.UUID(bytes_le=entry["objectguid"][0]))
        return str(uuid.UUID(entry["entryuuid"][0].decode()))

    def created(self, entry):
        return moment((entry.get("whencreated") or entry.get("createtimestamp"))[0])

    def has_left(self, entry):
        """Whether the entry says that its owner is disabled or expired."""
        windows, unix = self.kind != OPENLDAP, self.kind != ACTIVE_DIRECTORY
        epoch = datetime.datetime(1970, 1, 1)
        signs = []
        if windows:
            signs += [int(value) & 2 != 0 for value in entry.get("useraccountcontrol", [])]
            for value in entry.get("accountexpires", []):
                ticks = int(value)
                since_1601 = (self.now - datetime.datetime(1601, 1, 1)) // datetime.timedelta(microseconds=1) * 10
                signs.append(ticks != 0 and ticks <= since_1601)
        if unix:
            signs += [value == FOR_GOOD for value in entry.get("pwdaccountlockedtime", [])]
            signs += [moment(value) <= self.now for value in entry.get("pwdendtime", [])]
            for value in entry.get("shadowexpire", []):
                signs.append(int(value) >= 1 and epoch + datetime.timedelta(days=int(value)) <= self.now)
        return any(signs)

    def faults(self, entry):
        """Every (attribute, reason) that makes this entry unusable."""
        found = []
        for name, required in ((self.user_name, None), (self.email, MAIL)):
            value = text(entry, name)
            if value is None:
                found.append([name, "missing"])
            elif value is False or (required and (not required.fullmatch(value) or INVISIBLE.search(value))):
                found.append([name, "malformed"])
        return found

    def members(self, group_dn):
        """Everyone in a group, however deep; the DNs of all sorts of entries."""
        seen, todo = set(), [ldif.parts(group_dn)]
        if todo[0] not in self.entries:
            sys.exit(f"no group {group_dn} in {self.name}")
        while todo:
            dn = todo.pop()
            if dn in seen:
                continue
            seen.add(dn)
            entry = self.entries.get(dn, {})
            for value in entry.get("member", []) + entry.get("uniquemember", []):
                todo.append(ldif.parts(re.sub(r"#'[01]*'B$", "", value.decode())))
            for uid in entry.get("memberuid", []):
                todo.extend(self.uids.get(uid.decode().casefold(), ()))
            classes = [value.lower() for value in entry.get("objectclass", [])]
            if b"group" in classes and "objectsid" in entry:
                todo.extend(self.rids.get(int.from_bytes(entry["objectsid"][0][-4:], "little"), ()))
        return seen


class Judge:
    """The config's scope and pools over all directories."""

    def __init__(self, path, now):
        with open(path, "rb") as file:
            self.config = tomllib.load(file)
        if self.config.get("seats", {}).get("match", "first") != "first":
            sys.exit('the oracle knows only match = "first"')
        self.directories = [Directory(one, os.path.dirname(os.path.abspath(path)), now)
                            for one in self.config["directory"]]

    def expect(self, before):
        """anchor -> what `users` should print, reduced to what is compared."""
        wanting = {}
        expected = {}
        for directory in self.directories:
            for dn, person in self.people_in_scope(directory):
                faults = directory.faults(directory.entries[dn])
                if faults:
                    expected[person["anchor"]] = self.unusable(person, faults, before)
                else:
                    wanting[person["anchor"]] = person
        for anchor, faults in duplicates(wanting, before).items():
            expected[anchor] = self.unusable(wanting.pop(anchor), faults, before)
        for anchor, person in self.seated(wanting, before).items():
            expected[anchor] = person
        for anchor, person in before.items():
            if anchor not in expected and person["state"] is not None:
                expected[anchor] = {**person, "state": "suspended", "pool": None, "quarantine": []}
        return expected

    def people_in_scope(self, directory):
        config = directory.config
        bases = [ldif.parts(base) for base in config["base"]]
        union = lambda groups: set().union(*(directory.members(group) for group in groups))
        wanted, excluded = union(config.get("groups", [])), union(config.get("exclude_groups", []))
        pools = [(pool, union(pool["groups"]) if "groups" in pool else None, [union([one]) for one in
                  pool.get("priority", [])]) for pool in self.config["pool"]]
        for dn, entry in directory.entries.items():
            if not directory.is_person(entry) or not any(ldif.under(dn, base) for base in bases):
                continue
            if directory.matching is not None and dn not in directory.matching:
                continue
            if directory.has_left(entry) or ("groups" in config and dn not in wanted) or dn in excluded:
                continue
            found = next(((pool, ranks) for pool, members, ranks in pools if members is None or dn in members), None)
            if found is not None:
                yield dn, self.person(directory, dn, entry, *found)

    def person(self, directory, dn, entry, pool, ranks):
        rank = next((place for place, members in enumerate(ranks) if dn in members), len(ranks))
        return {"anchor": directory.anchor(entry), "dn": directory.dns[dn], "pool": pool["name"], "quarantine": [],
                "user_name": text(entry, directory.user_name) or "", "email": text(entry, directory.email) or "",
                "order": [rank, str(directory.created(entry)), directory.anchor(entry)]}

    def unusable(self, person, faults, before):
        """Who cannot be used keeps what they have, and gets nothing."""
        kept = before.get(person["anchor"], {**person, "state": None, "pool": None})
        return {**kept, "quarantine": faults}

    def seated(self, wanting, before):
        seated = {}
        for pool in self.config["pool"]:
            people = sorted((one for one in wanting.values() if one["pool"] == pool["name"]), key=lambda one: one["order"])
            if before and len(people) > pool["seats"]:
                sys.exit("the oracle settles scarce seats in a first cycle only")
            for place, person in enumerate(people):
                state = "active" if place < pool["seats"] else "pending"
                seated[person["anchor"]] = {**person, "state": state}
        return seated


def duplicates(wanting, before):
    """anchor -> faults of people who share a mail or user name; who has the account with it keeps it."""
    found = {}
    for name in ("email", "user_name"):
        sharing = {}
        for anchor, person in wanting.items():
            sharing.setdefault(person[name].casefold(), []).append(anchor)
        for value, anchors in sharing.items():
            owners = [anchor for anchor in anchors if before.get(anchor, {}).get("state") is not None
                      and before[anchor][name].casefold() == value]
            for anchor in anchors if len(anchors) > 1 else []:
                if anchor not in owners[:1]:
                    found.setdefault(anchor, []).append([name, "duplicate"])
    return found


def differences(expected, actual):
    """One line for each person about whom the two disagree."""
    for anchor in sorted(expected.keys() | actual.keys()):
        wanted, found = expected.get(anchor), actual.get(anchor)
        if wanted is None:
            yield f"{anchor} {found['dn']}: not expected, found {found['state']}, {found['quarantine']}"
        elif found is None:
            yield f"{anchor} {wanted['dn']}: expected {wanted['state']}, {wanted['quarantine']}; not found"
        else:
            yield from (f"{anchor} {wanted['dn']}: {what}" for what in disagreements(wanted, found))


def disagreements(wanted, found):
    if wanted["state"] != found["state"]:
        yield f"expected {wanted['state']}, found {found['state']} {found['quarantine'] or ''}"
    seats = [seat["pool"] for seat in found["seats"]]
    if wanted["state"] is not None and seats != ([wanted["pool"]] if wanted["pool"] else []):
        yield f"expected a seat or place of {wanted['pool']}, found {seats}"
    if wanted["state"] is not None and not wanted["quarantine"] and wanted["state"] != "suspended":
        for name in ("user_name", "email"):
            if wanted[name] != found[name]:
                yield f"expected {name} {wanted[name]!r}, found {found[name]!r}"
    fault = found["quarantine"] and [found["quarantine"]["attribute"], found["quarantine"]["reason"]]
    if (fault or None) not in (wanted["quarantine"] or [None]):
        yield f"expected quarantine {wanted['quarantine']}, found {fault}"


def load(path):
    with open(path, encoding="utf-8") as file:
        return {person["anchor"]: person for person in map(json.loads, file)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["check"])
    parser.add_argument("config")
    parser.add_argument("users")
    parser.add_argument("--before")
    parser.add_argument("--write")
    options = parser.parse_args()
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    expected = Judge(options.config, now).expect(load(options.before) if options.before else {})
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(person) + "\n" for person in expected.values())
    found = list(differences(expected, load(options.users)))
    counts = {}
    for person in expected.values():
        state = "quarantined" if person["quarantine"] else person["state"]
        counts[state] = counts.get(state, 0) + 1
    print(json.dumps({"people": len(expected), **counts, "differences": len(found)}))
    sys.exit("\n".join(found[:40]) if found else 0)


if __name__ == "__main__":
    main()
