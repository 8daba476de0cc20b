//! `[seats]`: how seats are given.

use super::reader::{Reader, Split};
use crate::model::change::Promotion;
use crate::model::mail_domain;
use crate::model::settings::{Match, SeatSettings};

pub fn compile(reader: &Reader) -> SeatSettings {
    SeatSettings {
        match_: reader.choice("match", &[("first", Match::First), ("all", Match::All)]).unwrap_or(Match::First),
        approve_joiners: reader.choice("joiners", &[("seat", false), ("approve", true)]).unwrap_or(false),
        promotion: reader
            .choice("promotion", &[("manual", Promotion::Manual), ("automatic", Promotion::Automatic)])
            .unwrap_or(Promotion::Manual),
        approved_domains: approved_domains(reader),
    }
}

/// No domain at all means any, as if it were left out: who wants nobody in without approval says `joiners`.
fn approved_domains(reader: &Reader) -> Option<Vec<String>> {
    let domains = reader.texts("approved_domains", Split::AtCommas)?;
    let mut approved = Vec::new();
    for (index, domain) in domains.iter().enumerate() {
        match mail_domain::canonical(domain) {
            Some(domain) => approved.push(domain),
            None => {
                let message = "must be a mail domain, for instance \"corp.example\", without \"@\" and without \"*\"";
                reader.item_problem("approved_domains", index, domain, message);
            }
        }
    }
    (!approved.is_empty()).then_some(approved)
}
