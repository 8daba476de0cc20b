//! An agent that makes a cycle every five minutes, and what is told of them. It is started anew before every cycle.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::WaitReason;
use crate::model::change::Promotion;
use crate::model::notice::{Notice, NoticeKind, Told};
use crate::model::report::{
    ChangeCounts, CycleOutcome, DirectoryReport, HeldKind, HeldRow, PoolRow, ReadMode, SyncReport, WaitingRow,
};
use crate::model::settings::{EmailSettings, NotifySettings, SmtpSettings, SmtpTls};
use crate::notify::{House, news};

pub struct Scene {
    pub now: Timestamp,
    /// Seconds from cycle to cycle.
    pub every: i64,
    pub notify: NotifySettings,
    pub zone: TimeZone,
    pub options: String,
    pub told: String,
    cycle: u64,
}

impl Scene {
    pub fn new() -> Self {
        let smtp = SmtpSettings {
            host: "mail".into(),
            port: 25,
            tls: SmtpTls::None,
            from: "seats@corp.example".into(),
            ca_file: None,
            credentials: None,
        };
        Self {
            now: "2026-11-26T07:30:00Z".parse().unwrap(),
            every: 300,
            notify: NotifySettings {
                webhook: None,
                email: Some(EmailSettings { smtp, to: vec!["it@corp.example".into()] }),
                after_failures: 3,
                digest: None,
            },
            zone: TimeZone::UTC,
            options: String::new(),
            told: serde_json::to_string(&Told::default()).unwrap(),
            cycle: 0,
        }
    }

    /// What is told of a cycle that ended so, in full.
    pub fn notices(&mut self, report: &SyncReport) -> Vec<Notice> {
        self.cycle += 1;
        self.now += SignedDuration::from_secs(self.every);
        let house = House {
            agent: "dc01",
            company: "acme",
            promotion: Promotion::Manual,
            notify: &self.notify,
            poll: std::time::Duration::from_mins(5),
            dry_run: false,
            options: &self.options,
            zone: self.zone.clone(),
        };
        let report = SyncReport { cycle: self.cycle, started: self.now, ..report.clone() };
        let told: Told = serde_json::from_str(&self.told).unwrap();
        let news = news(told, &report, &house, self.now);
        self.told = serde_json::to_string(&news.told).unwrap();
        news.notices
    }

    pub fn play(&mut self, report: &SyncReport) -> Vec<NoticeKind> {
        self.notices(report).into_iter().map(|notice| notice.kind).collect()
    }

    /// The same again and again: all that was told.
    pub fn play_times(&mut self, report: &SyncReport, times: u32) -> Vec<NoticeKind> {
        (0..times).flat_map(|_| self.play(report)).collect()
    }

    pub fn report(&self, pools: &[PoolRow]) -> SyncReport {
        let waiting = pools.iter().flat_map(|pool| (1..=pool.waiting).map(|place| waits(pool, place))).collect();
        SyncReport { pools: pools.to_vec(), waiting, ..self.report_of(vec![directory("corp", true)]) }
    }

    pub fn report_of(&self, directories: Vec<DirectoryReport>) -> SyncReport {
        SyncReport { outcome: CycleOutcome::Ok, directories, problems: Vec::new(), ..self.failure("") }
    }

    pub fn held(&self, fingerprint: &str, rows: Vec<HeldRow>) -> SyncReport {
        SyncReport {
            outcome: CycleOutcome::Held,
            held: Some(rows),
            fingerprint: Some(fingerprint.to_owned()),
            ..self.report(&[])
        }
    }

    pub fn failed(&self, accounts: u64) -> SyncReport {
        SyncReport { changes: ChangeCounts { failed: accounts, ..ChangeCounts::default() }, ..self.report(&[]) }
    }

    /// A cycle that came to nothing.
    pub fn failure(&self, code: &str) -> SyncReport {
        SyncReport::of_failure(0, self.now, code, "It is so.")
    }
}

pub fn pool(name: &str, seats: u32, held: u32, waiting: u32) -> PoolRow {
    PoolRow { name: name.into(), seats, held, waiting, free: seats.saturating_sub(held) }
}

pub fn directory(name: &str, complete: bool) -> DirectoryReport {
    DirectoryReport {
        name: name.into(),
        mode: ReadMode::Full,
        complete,
        entries: 100,
        users: 90,
        quarantined: 0,
        foreign: 0,
        dangling: 0,
        seconds: 0.1,
        problem: (!complete).then(|| "The server is busy.".to_owned()),
    }
}

pub fn held(directory: &str, kind: HeldKind, count: u64) -> HeldRow {
    HeldRow {
        directory: directory.into(),
        kind,
        count,
        recent: 0,
        of: 1000,
        limit: 100,
        old: None,
        new: None,
        dn: None,
    }
}

pub fn waits(pool: &PoolRow, place: u32) -> WaitingRow {
    WaitingRow {
        anchor: None,
        user_name: format!("user{place}"),
        display_name: None,
        email: format!("user{place}@corp.example"),
        pool: pool.name.clone(),
        position: place.into(),
        reason: WaitReason::NoSeat,
        since: Timestamp::UNIX_EPOCH,
        approved: false,
        passed_over: false,
        stopped: None,
    }
}
