#!/usr/bin/env python3
"""A directory of people with everything that has ever gone wrong in one, for OpenLDAP or Active Directory.

  population.py openldap FOLDER COUNT     for slapd.sh: dc=lab,dc=test with ou=people and ou=groups
  population.py ad FOLDER COUNT           for samba.sh: DC=lab,DC=test

Writes into FOLDER: entries.ldif (to load), then.ldif (changes right after), changes.ldif (a day later: moved, renamed,
disabled, enabled, deleted people, other memberships) and scope.toml (what the config says of bases, groups and pools).
The same COUNT gives the same files.
"""
import os
import sys

import ldif

ROOT = "dc=lab,dc=test"
# Each stands in a DN, so that it is escaped there, and most in group members too.
ODD_NAMES = [
    "Comma, Carl", 'Quoted "Q" Quinn', "Plus + Paula", "#Hash Hanna", "Semi;colon", "Less <than> More", "Equal=Eve",
    "Back\\slash", "Star * Stella", "Paren (Petra)", "Émile Accentué", "e\u0301 Combining", "עברית שם", "عربي اسم",
    "山田 太郎", "🪑 Chair", "Ünïcödé, \"all\" + at #once", "Tab-less  two  spaces", "ß Strasse", "İstanbul ı",
]
MALFORMED_MAILS = ["no-at-sign", "two@at@lab.test", "@lab.test", "someone@", "some one@lab.test", "some@lab..test",
                   "zero\u200bwidth@lab.test", "comma,comma@lab.test"]


class Person:
    """Number N of a population: what is odd about them follows from the number alone."""

    def __init__(self, number):
        self.number = number
        self.uid = f"u{number:07d}"
        self.name = f"{ODD_NAMES[number % len(ODD_NAMES)]} {number}" if number % 7 == 0 else f"Given Sur{number}"

    def every(self, nth):
        return self.number % nth == 0

    def mails(self):
        if self.every(61):
            return []
        if self.every(67):
            return [MALFORMED_MAILS[self.number // 67 % len(MALFORMED_MAILS)]]
        if self.every(71):
            return [f"  {self.uid}@lab.test "]
        if self.every(73):  # that of the one before, but for its case
            return [f"U{self.number - 1:07d}@LAB.test"]
        return [f"{self.uid}@lab.test"]


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def group(dn, classes, attribute, members, more=()):
    return ldif.entry(dn, [("objectClass", one) for one in classes] + list(more) + [(attribute, one) for one in members])


# --- OpenLDAP -------------------------------------------------------------------------------------------------------

PEOPLE, GROUPS = f"ou=people,{ROOT}", f"ou=groups,{ROOT}"


def openldap_dn(person):
    where = f"ou=north,{PEOPLE}" if person.every(5) else f"ou=away,{ROOT}" if person.every(83) else PEOPLE
    rdn = f"uid={person.uid}" if not person.every(7) else f"cn={ldif.escape(person.name)}"
    return f"{rdn}+sn=Two" + f",{where}" if person.every(89) else f"{rdn},{where}"


def openldap_signs(person):
    """What may say that they left: one in some dozens has a sign, and only half of the signs are real."""
    n = person.number
    signs = {31: ("pwdAccountLockedTime", "000001010000Z"), 37: ("pwdAccountLockedTime", "20240101000000Z"),
             41: ("shadowExpire", "1"), 43: ("shadowExpire", "0"), 47: ("shadowExpire", "-1"),
             53: ("shadowExpire", "99999"), 59: ("pwdEndTime", "20240101000000Z"),
             62: ("pwdEndTime", "20990101000000Z"), 122: ("pwdAccountLockedTime", "000001010000Z")}
    return dict(sign for nth, sign in signs.items() if n % nth == 0)


def openldap_person(person):
    signs = openldap_signs(person)
    attributes = [("objectClass", "inetOrgPerson")]
    if "shadowExpire" in signs:
        attributes.append(("objectClass", "shadowAccount"))
    posix = [("uidNumber", str(person.number)), ("gidNumber", "100"), ("homeDirectory", "/")]
    if person.every(11):
        attributes += [("objectClass", "posixAccount"), *posix]
    uid = None if person.every(97) and person.every(7) else person.uid
    attributes += [("cn", person.name), ("sn", f"Sur{person.number}")]
    if person.every(89):
        attributes.append(("sn", "Two"))
    attributes += [("uid", uid)] if uid else []
    attributes += [("mail", mail) for mail in person.mails()]
    attributes += [("createTimestamp", f"2020{1 + person.number % 12:02d}0{1 + person.number % 9}080000Z")]
    return ldif.entry(openldap_dn(person), attributes + list(signs.items()))


def openldap_groups(people):
    big = [openldap_dn(person) for person in people if not person.every(3)]
    some = lambda nth, offset: [openldap_dn(person) for person in people if person.number % nth == offset]
    listed = ["groupOfNames"]
    rings = {name: f"cn={name},{GROUPS}" for name in ("ring-a", "ring-b", "ring-c")}
    odd = f'cn={ldif.escape("Sales, EMEA + " + chr(34) + "co" + chr(34) + " #1")},{GROUPS}'
    unique = [dn + ("#'0101'B" if at % 2 else "") for at, dn in enumerate(some(9, 3))]
    uids = [person.uid.upper() if person.every(2) else person.uid for person in people if person.number % 9 == 6]
    return odd, "".join([
        group(f"cn=all hands,{GROUPS}", listed, "member",
              [*big, rings["ring-a"], f"cn=gone,{PEOPLE}", f"cn=printer,{GROUPS}"], [("cn", "all hands")]),
        group(rings["ring-a"], listed, "member", [rings["ring-b"], *some(30, 9)], [("cn", "ring-a")]),
        group(rings["ring-b"], listed, "member", [rings["ring-c"], *some(30, 18)], [("cn", "ring-b")]),
        group(rings["ring-c"], listed, "member", [rings["ring-a"], *some(30, 27)], [("cn", "ring-c")]),
        group(f"cn=unique,{GROUPS}", ["groupOfUniqueNames"], "uniqueMember", unique, [("cn", "unique")]),
        group(f"cn=posix,{GROUPS}", ["posixGroup"], "memberUid", uids, [("cn", "posix"), ("gidNumber", "500")]),
        group(odd, listed, "member", some(15, 12), [("cn", 'Sales, EMEA + "co" #1')]),
        group(f"cn=banned,{GROUPS}", listed, "member", some(50, 1), [("cn", "banned")]),
        group(f"cn=bosses,{GROUPS}", listed, "member", some(40, 4), [("cn", "bosses")]),
        ldif.entry(f"cn=printer,{GROUPS}", [("objectClass", "device"), ("cn", "printer")]),
    ])


def openldap(people):
    odd, groups = openldap_groups(people)
    units = "".join(ldif.entry(dn, [("objectClass", "organizationalUnit"), ("ou", ou)])
                    for dn, ou in ((f"ou=north,{PEOPLE}", "north"), (f"ou=away,{ROOT}", "away")))
    role = ldif.entry(f"cn=no person,{PEOPLE}", [("objectClass", "organizationalRole"), ("cn", "no person")])
    entries = units + "".join(openldap_person(person) for person in people) + role + groups
    scope = [f"cn=all hands,{GROUPS}", f"CN=Unique, OU=groups,{ROOT}", f"cn=posix,{GROUPS}", odd]
    return entries, "", openldap_changes(people), scope_toml(PEOPLE.upper(), scope, GROUPS, "ring-b")


def openldap_changes(people):
    said = []
    for person in people:
        dn, rest = openldap_dn(person), openldap_dn(person).partition(",ou=")[2]
        phase = person.number % 60
        plain = not (person.every(7) or person.every(89))
        if phase == 8:
            said.append(ldif.replace(dn, "pwdAccountLockedTime", "000001010000Z"))
        elif phase == 14:
            said.append(ldif.replace(dn, "mail", f"new.{person.uid}@lab.test"))
        elif phase == 22 and plain:
            said.append(ldif.change(dn, "modrdn", [f"newrdn: cn=renamed {person.uid}\n", "deleteoldrdn: 0\n"]))
        elif phase == 26 and rest.startswith("people"):
            said.append(moved(dn, f"ou=north,{PEOPLE}"))
        elif phase == 32 and rest.startswith("people"):
            said.append(moved(dn, f"ou=away,{ROOT}"))
        elif phase == 34:
            said.append(ldif.change(dn, "delete", []))
        elif phase == 44:
            said.append(membership(f"cn=all hands,{GROUPS}", "delete" if not person.every(3) else "add", dn))
        elif phase == 52:
            said.append(membership(f"cn=ring-c,{GROUPS}", "add", dn))
    return "".join(said)


def moved(dn, parent):
    rdn = dn[:len(dn) - len(ldif_parent(dn)) - 1]
    return ldif.change(dn, "modrdn", [ldif.value_line("newrdn", rdn), "deleteoldrdn: 1\n",
                                      ldif.value_line("newsuperior", parent)])


def ldif_parent(dn):
    return dn[min(at for at in (dn.find(",ou="), dn.find(",OU=")) if at >= 0) + 1:]


def membership(dn, verb, member):
    return ldif.change(dn, "modify", [f"{verb}: member\n", ldif.value_line("member", member), "-\n"])


# --- Active Directory -----------------------------------------------------------------------------------------------

STAFF, AWAY, TEAMS = f"OU=Staff,{ROOT}", f"OU=Away,{ROOT}", f"OU=Teams,{ROOT}"
GLOBAL_GROUP, NEVER = "-2147483646", str(2 ** 63 - 1)


def ad_dn(person):
    where = f"OU=North,{STAFF}" if person.every(5) else AWAY if person.every(83) else STAFF
    return f"CN={ldif.escape(person.name)},{where}"


def ad_person(person):
    # 512 is a normal account, 32 needs no password, 2 is disabled, 65536: the password never expires.
    control = 546 if person.every(31) or person.every(122) else 66080 if person.every(37) else 544
    expires = {41: "133000000000000000", 43: "0", 47: NEVER, 53: "200000000000000000"}
    attributes = [("objectClass", "user"), ("sAMAccountName", person.uid), ("userAccountControl", str(control)),
                  ("sn", f"Sur{person.number}"), ("givenName", "Given"), ("displayName", person.name)]
    if not person.every(101):
        attributes.append(("userPrincipalName", f"{person.uid}@lab.test"))
    attributes += [("mail", mail) for mail in person.mails()]
    attributes += [("accountExpires", value) for nth, value in expires.items() if person.every(nth)][:1]
    if person.every(59):
        attributes.append(("pwdLastSet", "0"))
    return ldif.entry(ad_dn(person), attributes)


def ad_group(name, members):
    dn = f"CN={ldif.escape(name)},{TEAMS}"
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    return group(dn, ["group"], "member", members, [("sAMAccountName", plain), ("groupType", GLOBAL_GROUP)])


def ad(people):
    some = lambda nth, offset: [ad_dn(person) for person in people if person.number % nth == offset]
    big = [ad_dn(person) for person in people if not person.every(3)]
    odd = 'Sales, EMEA + "co" #1'
    units = "".join(ldif.entry(dn, [("objectClass", "organizationalUnit")])
                    for dn in (STAFF, f"OU=North,{STAFF}", AWAY, TEAMS))
    strangers = ldif.entry(f"CN=A Contact,{STAFF}", [("objectClass", "contact"), ("mail", "contact@lab.test")])
    strangers += ldif.entry(f"CN=PC1,{STAFF}", [("objectClass", "computer"), ("sAMAccountName", "PC1$"),
                                               ("userAccountControl", "4128")])
    # Members are added when all groups are there: a ring of groups cannot be added in one go.
    groups = "".join([
        ad_group("all hands", [*big, f"CN=A Contact,{STAFF}", f"CN=PC1,{STAFF}"]),
        ad_group("ring-a", some(30, 9)), ad_group("ring-b", some(30, 18)), ad_group("ring-c", some(30, 27)),
        ad_group(odd, some(15, 12)), ad_group("banned", some(50, 1)), ad_group("bosses", some(40, 4)),
        ad_group("primes", some(45, 10)),
    ])
    then = "".join(membership(f"CN={outer},{TEAMS}", "add", f"CN={inner},{TEAMS}") for outer, inner in
                   (("all hands", "ring-a"), ("ring-a", "ring-b"), ("ring-b", "ring-c"), ("ring-c", "ring-a")))
    scope = [f"CN=all hands,{TEAMS}", f"cn={ldif.escape(odd)},{TEAMS.lower()}", f"CN=primes,{TEAMS}"]
    entries = units + "".join(ad_person(person) for person in people) + strangers + groups
    return entries, then, ad_changes(people), scope_toml(STAFF.lower(), scope, TEAMS, "ring-b")


def primary(people, rid):
    """People of `primes` get it as their primary group, and so are no longer listed in it."""
    return "".join(ldif.replace(ad_dn(person), "primaryGroupID", rid) for person in people if person.number % 45 == 10)


def ad_changes(people):
    said = []
    for person in people:
        dn, phase = ad_dn(person), person.number % 60
        if phase == 8:
            said.append(ldif.replace(dn, "userAccountControl", "546"))
        elif phase == 14:
            said.append(ldif.replace(dn, "mail", f"new.{person.uid}@lab.test"))
        elif phase == 22:
            said.append(ldif.change(dn, "modrdn", [f"newrdn: CN=renamed {person.uid}\n", "deleteoldrdn: 1\n"]))
        elif phase == 26 and dn.endswith("," + STAFF) and not person.every(5):
            said.append(moved(dn, f"OU=North,{STAFF}"))
        elif phase == 32:
            said.append(moved(dn, AWAY) if dn.endswith(STAFF) else "")
        elif phase == 34:
            said.append(ldif.change(dn, "delete", []))
        elif phase == 44:
            said.append(membership(f"CN=all hands,{TEAMS}", "delete" if not person.every(3) else "add", dn))
        elif phase == 52:
            said.append(membership(f"CN=ring-c,{TEAMS}", "add", dn))
    return "".join(said)


# --- both -----------------------------------------------------------------------------------------------------------

def scope_toml(base, groups, where, advanced):
    """Lines of the config: those of the directory first, then the pools."""
    kind = "CN" if where.startswith("OU") else "cn"
    quoted = ", ".join("'" + name + "'" for name in groups)
    return (f"base = ['{base}']\ngroups = [{quoted}]\nexclude_groups = ['{kind}=banned,{where}']\n\n"
            f"[[pool]]\nname = \"advanced\"\nseats = 100000\ngroups = ['{kind}={advanced},{where}']\n\n"
            f"[[pool]]\nname = \"standard\"\nseats = @STANDARD@\npriority = ['{kind}=bosses,{where}']\n")


def main(kind, folder, count):
    people = [Person(number) for number in range(1, int(count) + 1)]
    entries, then, changes, scope = {"openldap": openldap, "ad": ad}[kind](people)
    os.makedirs(folder, exist_ok=True)
    write(folder, "entries.ldif", entries)
    write(folder, "then.ldif", then)
    write(folder, "primary.ldif", primary(people, "@RID@") if kind == "ad" else "")
    write(folder, "changes.ldif", changes)
    write(folder, "scope.toml", scope)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
