//! What the templates are filled with: words and numbers, ready to be shown.

use askama::{Error, Template};
use jiff::{SignedDuration, Timestamp};

use super::chart::{Chart, chart};
use super::forecast::forecast;
use crate::model::report::{ExplainReport, PendingRow, PoolRow, SeatWord, UserRow};
use crate::model::text::spelt;
use crate::status::health::late;
use crate::status::server::Refusal;
use crate::status::trouble::{Trouble, stands_by, troubles};
use crate::status::{Facts, HeldPerson};

/// A first cycle may well take so long.
const FIRST: SignedDuration = SignedDuration::from_mins(10);

#[derive(Template)]
#[template(path = "status.html")]
struct Status<'a> {
    agent: &'a str,
    version: &'a str,
    tone: &'static str,
    verdict: String,
    why: Vec<Why>,
    told: Option<&'a str>,
    last: String,
    next: String,
    pools: Vec<Pool<'a>>,
    held: Option<Held<'a>>,
    waiting: Vec<Waiting<'a>>,
    more_waiting: u64,
    decides: bool,
    csrf: &'a str,
    /// Follows each command.
    options: &'a str,
    chart: Chart,
    quarantined: Vec<Quarantined<'a>>,
    more_quarantined: u64,
}

struct Pool<'a> {
    name: &'a str,
    seats: u32,
    held: u32,
    free: u32,
    waiting: u32,
    percent: u32,
    class: &'static str,
    forecast: String,
}

/// One thing that is wrong: what it is about, since when, and what to do.
struct Why {
    what: String,
    lines: Vec<String>,
}

struct Held<'a> {
    lines: Vec<String>,
    people: &'a [HeldPerson],
    more: u64,
    fingerprint: &'a str,
    /// Somebody let it through, and the next cycle carries it out.
    confirmed: bool,
}

struct Waiting<'a> {
    pool: &'a str,
    position: u64,
    name: &'a str,
    /// What the person is found by.
    key: String,
    why: &'a str,
    since: String,
    approved: bool,
}

struct Quarantined<'a> {
    directory: &'a str,
    entry: String,
    attribute: &'a str,
    reason: &'static str,
    message: &'a str,
}

#[derive(Template)]
#[template(path = "explain.html")]
struct Explain<'a> {
    name: &'a str,
    decision: &'a str,
    facts: Vec<(&'static str, String)>,
    parts: Vec<(&'static str, Vec<String>)>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    refused: bool,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    message: &'a str,
    details: &'a [String],
}

/// How things stand. `csrf`: what the forms carry. `told`: what became of what the reader did.
pub fn status(facts: &Facts, csrf: &str, told: Option<&str>, now: Timestamp) -> Result<String, Error> {
    let status = &facts.status;
    let (tone, mut verdict) = verdict(facts, now);
    // One that is silent is in the verdict.
    for (said, _) in status.going_on(now).filter(|(_, is_silent)| !is_silent) {
        verdict.push_str(&format!(" A cycle is being made: {said}."));
    }
    let shown = facts.quarantined.len() as u64;
    let all: u64 = status.last_cycle.iter().flat_map(|cycle| &cycle.directories).map(|read| read.quarantined).sum();
    let page = Status {
        agent: &status.agent,
        version: &status.version,
        tone,
        verdict,
        told,
        last: status.last_cycle.as_ref().map_or_else(
            || "No cycle yet.".to_owned(),
            |cycle| format!("Cycle {} began at {:.0} and took {:.1} s.", cycle.cycle, cycle.started, cycle.seconds),
        ),
        next: status.next_cycle.map(|next| format!("The next is due at {next:.0}.")).unwrap_or_default(),
        pools: status.pools.iter().map(|one| pool(one, facts, now)).collect(),
        why: troubles(facts).into_iter().map(|trouble| why(trouble, &facts.options)).collect(),
        held: held(facts),
        waiting: facts.waiting.iter().map(waiting).collect(),
        more_waiting: facts.more_waiting,
        decides: facts.decides,
        csrf,
        options: &facts.options,
        chart: chart(&facts.history),
        quarantined: facts.quarantined.iter().filter_map(quarantined).collect(),
        more_quarantined: all.saturating_sub(shown),
    };
    page.render()
}

/// Is it well, in one sentence: what is wrong comes before everything else.
fn verdict(facts: &Facts, now: Timestamp) -> (&'static str, String) {
    let troubles = troubles(facts);
    let stops = troubles.iter().any(|trouble| trouble.stops);
    let late: Vec<String> = late(facts, now).collect();
    let is_late = !late.is_empty();
    let said: Vec<String> = late.into_iter().chain(troubles.into_iter().map(|trouble| trouble.said)).collect();
    if !said.is_empty() {
        let (tone, begin) = if stops || is_late { ("bad", "Not well") } else { ("warn", "Somebody must look") };
        return (tone, spelt(&format!("{begin}: {}.", said.join("; ")), &facts.options).into_owned());
    }
    if let Some(standby) = facts.status.standby.as_ref().filter(|_| stands_by(facts)) {
        return ("good", format!("Well, and standing by: {} works for the company.", standby.holder));
    }
    if facts.tally.last.is_none() {
        // What a run before this one found is no news of this one.
        let since = facts.tally.started;
        let tone = if now.duration_since(since) > FIRST { "warn" } else { "good" };
        return (tone, format!("Started at {since:.0}; the first cycle since then has not come to its end yet."));
    }
    let dry = if facts.dry_run {
        " This is a dry run: nothing is changed, and `seatsync plan` shows what would be."
    } else {
        ""
    };
    match facts.status.pools.iter().map(|pool| u64::from(pool.waiting)).sum() {
        0 => ("good", format!("All is well, and nobody waits for a seat.{dry}")),
        1 => ("good", format!("All is well; 1 person waits for a seat.{dry}")),
        more => ("good", format!("All is well; {more} people wait for a seat.{dry}")),
    }
}

fn why(trouble: Trouble, options: &str) -> Why {
    let since = trouble.since.map(|since| format!("Since {since:.0}."));
    let lines = since.into_iter().chain(trouble.advice).map(|line| spelt(&line, options).into_owned()).collect();
    Why { what: trouble.what, lines }
}

fn pool<'a>(pool: &'a PoolRow, facts: &Facts, now: Timestamp) -> Pool<'a> {
    let percent = u64::from(pool.held.min(pool.seats)) * 100 / u64::from(pool.seats.max(1));
    let percent = u32::try_from(percent).unwrap_or(100);
    Pool {
        name: &pool.name,
        seats: pool.seats,
        held: pool.held,
        free: pool.free,
        waiting: pool.waiting,
        percent,
        class: match percent {
            0..90 => "good",
            90..100 => "warn",
            _ => "bad",
        },
        forecast: forecast(pool, facts.earlier.as_ref(), now),
    }
}

fn held(facts: &Facts) -> Option<Held<'_>> {
    let fingerprint = facts.status.fingerprint.as_deref()?;
    Some(Held {
        lines: facts.status.held.iter().flatten().map(|row| format!("{}.", row.in_words())).collect(),
        people: &facts.held,
        more: facts.more_held,
        fingerprint,
        confirmed: facts.status.confirmations.iter().any(|one| one.fingerprint == fingerprint),
    })
}

fn waiting(row: &PendingRow) -> Waiting<'_> {
    Waiting {
        pool: &row.pool,
        position: row.position,
        name: row.display_name.as_deref().unwrap_or(&row.user_name),
        key: row.anchor.map_or_else(|| row.user_name.clone(), |anchor| anchor.to_string()),
        why: &row.why,
        since: format!("{:.0}", row.since),
        approved: row.approved,
    }
}

fn quarantined(row: &UserRow) -> Option<Quarantined<'_>> {
    let quarantine = row.quarantine.as_ref()?;
    let named = row.dn.clone().or_else(|| row.user_name.clone());
    Some(Quarantined {
        directory: row.directory.as_deref().unwrap_or_default(),
        entry: named.or_else(|| row.anchor.map(|anchor| anchor.to_string())).unwrap_or_default(),
        attribute: &quarantine.attribute,
        reason: quarantine.reason.as_str(),
        message: &quarantine.message,
    })
}

/// Why one person has a seat or not.
pub fn explained(report: &ExplainReport, options: &str) -> Result<String, Error> {
    let user = &report.user;
    let name = user.display_name.as_deref().or(user.user_name.as_deref()).unwrap_or("Somebody");
    let said = [
        ("User name", user.user_name.clone()),
        ("Mail", user.email.clone()),
        ("Anchor", user.anchor.map(|anchor| anchor.to_string())),
        ("DN", user.dn.clone()),
        ("Account", user.state.map(|state| state.as_str().to_owned())),
        ("Pool", report.pool.as_ref().map(|pool| pool.name.to_string())),
        ("Quarantined", user.quarantine.as_ref().map(|found| found.message.clone())),
    ];
    let seats = user.seats.iter().map(|seat| {
        let word = match seat.state {
            SeatWord::Held => "held".to_owned(),
            SeatWord::Waiting => {
                let why = seat.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                format!("waits at place {}{why}", seat.position.unwrap_or_default())
            }
            SeatWord::Denied => "denied".to_owned(),
        };
        ("Seat", format!("{}: {word}, since {:.0}", seat.pool, seat.since))
    });
    let facts = said.into_iter().filter_map(|(word, text)| Some((word, text?))).chain(seats).collect();
    let pool = report.pool.as_ref().map(|pool| pool.because.as_slice()).unwrap_or_default();
    let parts = vec![
        (if report.scope.in_scope { "In scope" } else { "Out of scope" }, report.scope.because.as_slice()),
        ("Why this pool", pool),
        ("Leaving", report.leaving.as_slice()),
        ("What would change it", report.would_change.as_slice()),
    ];
    let spelt = |lines: &[String]| lines.iter().map(|line| spelt(line, options).into_owned()).collect();
    let parts = parts.into_iter().map(|(title, lines)| (title, spelt(lines))).collect();
    Explain { name, decision: &report.decision, facts, parts }.render()
}

pub fn login(refused: bool) -> Result<String, Error> {
    Login { refused }.render()
}

pub fn refused(refusal: &Refusal) -> Result<String, Error> {
    Refused { message: &refusal.message, details: &refusal.details }.render()
}
