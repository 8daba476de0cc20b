//! What stands below the options in each help text: examples, and how it ends.

pub const ABOUT: &str = "\
Gives a directory's people their seats.

Reads users from Active Directory, OpenLDAP, 389 Directory Server or an LDIF file, compares them with the licensing \
backend, provisions users while seats remain, and lets the rest wait in a known order.";

pub const TOP: &str = "\
A first look:
  seatsync init               find the servers, ask what is needed, write the config
  seatsync check              is the config right?
  seatsync check --connect    do the servers answer, and may we read what we must?
  seatsync plan               what would happen?
  seatsync sync               let it happen, once
  seatsync run                let it happen again and again

Exit codes:
  0  done
  1  failed, or partial: something could not be read or reached
  2  wrong usage, config or fingerprint; unknown user
  3  done, but some accounts failed
  4  done, but changes are held back by the guard
  5  another instance runs, or runs and does not answer
Where several fit: 1, then 4, then 3. People who wait are no failure.

Results go to stdout; logs and progress go to stderr. NO_COLOR is honoured.";

pub const RUN: &str = "\
This is what systemd and the service manager of Windows start. Ctrl-C or SIGTERM gives up reading, finishes the changes in hand, saves and leaves, within \
45 seconds. SIGHUP takes the config anew, at once; where it is wrong, the one before stays in force.

Examples:
  seatsync run --config seatsync.toml
  seatsync run -v

Exit codes: 0 stopped when asked to, 1 state or ledger cannot be opened, 2 the config is wrong, 5 another instance runs";

pub const SYNC: &str = "\
Where an agent runs on the same state directory, it does the cycle and this prints its report.

Ctrl-C or SIGTERM gives up reading, or ends after the wave of changes in hand and reports what was done and what was not; a \
second one ends it at once. Neither loses anything: the next cycle makes it good.

Examples:
  seatsync sync
  seatsync sync --full --json

Exit codes: 0 done, 1 failed or partial, 3 some accounts failed, 4 changes are held back, 5 the agent does not answer";

pub const PLAN: &str = "\
Examples:
  seatsync plan
  seatsync plan --seats standard=+10    who would get the ten?
  seatsync plan --html plan.html        a page to show to somebody
  seatsync plan --json

Exit codes: 0 done, 1 failed or partial, 4 changes would be held back";

pub const CONFIRM: &str = "\
Only what is held back now can be confirmed. It is carried out at once where the agent runs, else with the next sync.

Example:
  seatsync confirm 3f9a1c0e

Exit codes: 0 done, 2 wrong or expired fingerprint";

pub const INIT: &str = "\
Finds the directory by DNS, looks at what it is and how it encrypts, asks what it cannot find, tests each answer, and shows \
whom the config would serve before it is written. Secrets are kept apart from it. Ctrl-C writes nothing.

The answers of a file have the words of the config:
  domain = \"corp.example\"                      # where to look for servers; left out: this machine's domain
  [agent]                                       # state_dir
  [directory]                                   # name, url, ca_file, base, filter, groups; what is left out is found
  bind_dn = \"svc-seatsync@corp.example\"
  bind_password = { file = \"corp.password\" }    # or { env = \"NAME\" }
  [backend]                                     # ledger: url, token, ca_file as well
  kind = \"embedded\"
  company = \"acme\"
  [[pool]]                                      # groups
  name = \"standard\"
  seats = 50

Examples:
  seatsync init
  seatsync init --answers answers.toml --config seatsync.toml --json

Exit codes: 0 written and checked, 1 a server refused or a probe failed, 2 wrong answers, or a config is there already";

pub const CHECK: &str = "\
Examples:
  seatsync check
  seatsync check --connect --config seatsync.toml

Exit codes: 0 all is well or works (\"less\": something could be better), 1 a probe failed, 2 the config is wrong";

pub const STATUS: &str = "\
Works while the agent runs and while it does not, and asks no server.

Examples:
  seatsync status
  seatsync status --json";

pub const USERS: &str = "\
Examples:
  seatsync users --state pending --pool standard
  seatsync users --state quarantined
  seatsync users --json";

pub const EXPLAIN: &str = "\
Works from what was read last, and asks no server.

Examples:
  seatsync explain ada@corp.example
  seatsync explain \"Ada Lovelace\"
  seatsync explain 92adf353-9ff9-459d-b97f-c48e21dadbf8

Exit codes: 0 done, 2 nobody or several people fit";

pub const PENDING: &str = "\
Decisions are carried out at once where the agent runs, else with the next sync.

Examples:
  seatsync pending
  seatsync pending --pool standard
  seatsync pending approve ada@corp.example grace@corp.example
  seatsync pending approve --next 5 --pool standard    the first five who wait for approval
  seatsync pending deny mallory --pool advanced
  seatsync pending release ada --pool standard

Exit codes: 0 done, 1 the decision fits nothing that the person has, 2 nobody or several people fit";

pub const RELINK: &str = "\
Example:
  seatsync relink 92adf353-9ff9-459d-b97f-c48e21dadbf8 5b1d2c44-7a0e-4c58-9d0f-0b6f1f1e9a10

Exit codes: 0 done, 1 the new one has an account already, 2 nobody has one of the anchors";

pub const HISTORY: &str = "\
Examples:
  seatsync history
  seatsync history --json";

pub const COMPLETIONS: &str = "\
Examples:
  seatsync completions bash > /etc/bash_completion.d/seatsync
  seatsync completions zsh > \"${fpath[1]}/_seatsync\"";

pub const CONFIG_SCHEMA: &str = "\
The packages put it at /usr/share/seatsync/seatsync.schema.json. Editors that know TOML (Taplo, Even Better TOML) read which schema \
a config has from a line of it that begins with #:schema. What a key means for another one only `seatsync check` tells.

Examples:
  seatsync config-schema > seatsync.schema.json
  sed -i '1i #:schema ./seatsync.schema.json' seatsync.toml";

pub const MAN: &str = "\
On a terminal it is shown by `man`, where there is one. Elsewhere, in a pipe or a file, it is roff, which `man -l` reads.

Examples:
  seatsync man sync
  seatsync man sync | man -l -
  seatsync man > seatsync.1
  seatsync man sync > seatsync-sync.1";

pub const SECRET: &str = "\
On Windows it is sealed for this machine (DPAPI) and named { dpapi = \"NAME\" }; elsewhere it is a file of root's that systemd \
hands over, named { credential = \"secrets_NAME\" }.

Examples:
  seatsync secret set corp
  seatsync secret set corp < corp.password

Exit codes: 0 done, 1 it cannot be kept, 2 the name is none, or the secret is empty";

pub const SUPPORT_BUNDLE: &str = "\
The config without comments, what `check` and `status` say, counts of people, past cycles, and the end of the system's log. \
People are the same person-XXXXXXXX throughout one bundle. It is a zip; look into it before you hand it on. It is written of a \
config that is wrong, too: what cannot be had is named.

Examples:
  sudo seatsync support-bundle
  seatsync support-bundle --connect --log /srv/seatsync/agent.log --out bundle.zip

Exit codes: 0 written, 1 it cannot be written, or the file is there already";

pub const SERVICE: &str = "\
On Windows it makes the service; with systemd the package brings the unit, and install and uninstall let it start with the \
system or not. On Windows a config that changed is taken at once on: sc.exe control seatsync paramchange

Examples:
  seatsync service install
  seatsync service install --account CORP\\seatsync$    a group managed service account
  seatsync service start
  seatsync service status --json

Exit codes: 0 done, 1 there is no service, or it did not do what was asked";

pub const LEDGER: &str = "\
The config needs [ledger] alone: config/ledger.toml shows every option. The verbs open the database itself, also while \
it is served.

Examples:
  seatsync ledger company add acme
  seatsync ledger pool set standard --seats 50
  (umask 077; seatsync ledger connector add main > /etc/seatsync/ledger.token)
  seatsync ledger serve";

pub const LEDGER_SERVE: &str = "\
Other than on loopback it needs tls_cert and tls_key; a renewed certificate is taken without a restart. Ctrl-C or SIGTERM \
answers what is in hand, saves and leaves.

Examples:
  seatsync ledger serve --config ledger.toml

Exit codes: 0 stopped when asked to, 1 the ledger or the address cannot be used, 2 the config is wrong";

pub const LEDGER_COMPANY: &str = "\
Examples:
  seatsync ledger company
  seatsync ledger company add acme
  seatsync ledger company set acme --renewal 2027-01-01T00:00:00Z --every year
  seatsync ledger company set acme --approved-domain corp.example --tier standard
  seatsync ledger company remove acmee";

pub const LEDGER_POOL: &str = "\
Seats are bought at once and granted at once. Fewer can be had down to those held and the floor, or later.

Examples:
  seatsync ledger pool --company acme
  seatsync ledger pool set standard --seats 60 --min-seats 10
  seatsync ledger pool reduce standard --seats 40
  seatsync ledger pool cancel standard
  seatsync ledger pool remove standart";

pub const LEDGER_TOKEN: &str = "\
Examples:
  seatsync ledger token
  seatsync ledger token add admin --label portal
  seatsync ledger token remove 0f3c2a9d81b64e57";

pub const LEDGER_CONNECTOR: &str = "\
Examples:
  seatsync ledger connector add main
  seatsync ledger connector remove main";

/// For the manual.
pub const ENVIRONMENT: &str = "\
SEATSYNC_CONFIG        the config file, where --config does not name one
SEATSYNC__AGENT__POLL  and the like: stands over agent.poll in the config
NO_COLOR               no colours";

/// For the manual.
pub const FILES: &str = "\
/etc/seatsync/seatsync.toml  the config; others than its owner may not write it
/var/lib/seatsync            state and ledger, where agent.state_dir and backend.path say so";
